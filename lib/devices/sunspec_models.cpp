#include "devices/sunspec_models.hpp"

#include <algorithm>
#include <array>

namespace sluice::devices {
namespace {

using enum Type;

constexpr std::array kCommon{
    ModelPoint{"Mn", 2, string, kNoExponent, 16},
    ModelPoint{"Md", 18, string, kNoExponent, 16},
    ModelPoint{"Opt", 34, string, kNoExponent, 8},
    ModelPoint{"Vr", 42, string, kNoExponent, 8},
    ModelPoint{"SN", 50, string, kNoExponent, 16},
    ModelPoint{"DA", 66, u16},
    ModelPoint{"Pad", 67, sunssf},  // a pad reads 0x8000 like a scale factor that is not there
};

// 101, 102, 103: inverter, integers with scale factors.
constexpr std::array kInverterInteger{
    ModelPoint{"A", 2, u16, 6},        ModelPoint{"AphA", 3, u16, 6},     ModelPoint{"AphB", 4, u16, 6},
    ModelPoint{"AphC", 5, u16, 6},     ModelPoint{"A_SF", 6, sunssf},     ModelPoint{"PPVphAB", 7, u16, 13},
    ModelPoint{"PPVphBC", 8, u16, 13}, ModelPoint{"PPVphCA", 9, u16, 13}, ModelPoint{"PhVphA", 10, u16, 13},
    ModelPoint{"PhVphB", 11, u16, 13}, ModelPoint{"PhVphC", 12, u16, 13}, ModelPoint{"V_SF", 13, sunssf},
    ModelPoint{"W", 14, i16, 15},      ModelPoint{"W_SF", 15, sunssf},    ModelPoint{"Hz", 16, u16, 17},
    ModelPoint{"Hz_SF", 17, sunssf},   ModelPoint{"VA", 18, i16, 19},     ModelPoint{"VA_SF", 19, sunssf},
    ModelPoint{"VAr", 20, i16, 21},    ModelPoint{"VAr_SF", 21, sunssf},  ModelPoint{"PF", 22, i16, 23},
    ModelPoint{"PF_SF", 23, sunssf},   ModelPoint{"WH", 24, acc32, 26},   ModelPoint{"WH_SF", 26, sunssf},
    ModelPoint{"DCA", 27, u16, 28},    ModelPoint{"DCA_SF", 28, sunssf},  ModelPoint{"DCV", 29, u16, 30},
    ModelPoint{"DCV_SF", 30, sunssf},  ModelPoint{"DCW", 31, i16, 32},    ModelPoint{"DCW_SF", 32, sunssf},
    ModelPoint{"TmpCab", 33, i16, 37}, ModelPoint{"TmpSnk", 34, i16, 37}, ModelPoint{"TmpTrns", 35, i16, 37},
    ModelPoint{"TmpOt", 36, i16, 37},  ModelPoint{"Tmp_SF", 37, sunssf},  ModelPoint{"St", 38, u16},
    ModelPoint{"StVnd", 39, u16},      ModelPoint{"Evt1", 40, u32},       ModelPoint{"Evt2", 42, u32},
    ModelPoint{"EvtVnd1", 44, u32},    ModelPoint{"EvtVnd2", 46, u32},    ModelPoint{"EvtVnd3", 48, u32},
    ModelPoint{"EvtVnd4", 50, u32},
};

// 111, 112, 113: inverter, floats.
constexpr std::array kInverterFloat{
    ModelPoint{"A", 2, f32},        ModelPoint{"AphA", 4, f32},     ModelPoint{"AphB", 6, f32},
    ModelPoint{"AphC", 8, f32},     ModelPoint{"PPVphAB", 10, f32}, ModelPoint{"PPVphBC", 12, f32},
    ModelPoint{"PPVphCA", 14, f32}, ModelPoint{"PhVphA", 16, f32},  ModelPoint{"PhVphB", 18, f32},
    ModelPoint{"PhVphC", 20, f32},  ModelPoint{"W", 22, f32},       ModelPoint{"Hz", 24, f32},
    ModelPoint{"VA", 26, f32},      ModelPoint{"VAr", 28, f32},     ModelPoint{"PF", 30, f32},
    ModelPoint{"WH", 32, f32},      ModelPoint{"DCA", 34, f32},     ModelPoint{"DCV", 36, f32},
    ModelPoint{"DCW", 38, f32},     ModelPoint{"TmpCab", 40, f32},  ModelPoint{"TmpSnk", 42, f32},
    ModelPoint{"TmpTrns", 44, f32}, ModelPoint{"TmpOt", 46, f32},   ModelPoint{"St", 48, u16},
    ModelPoint{"StVnd", 49, u16},   ModelPoint{"Evt1", 50, u32},    ModelPoint{"Evt2", 52, u32},
    ModelPoint{"EvtVnd1", 54, u32}, ModelPoint{"EvtVnd2", 56, u32}, ModelPoint{"EvtVnd3", 58, u32},
    ModelPoint{"EvtVnd4", 60, u32},
};

constexpr std::array kNameplate{
    ModelPoint{"DERTyp", 2, u16},
    ModelPoint{"WRtg", 3, u16, 4},
    ModelPoint{"WRtg_SF", 4, sunssf},
    ModelPoint{"VARtg", 5, u16, 6},
    ModelPoint{"VARtg_SF", 6, sunssf},
    ModelPoint{"VArRtgQ1", 7, i16, 11},
    ModelPoint{"VArRtgQ2", 8, i16, 11},
    ModelPoint{"VArRtgQ3", 9, i16, 11},
    ModelPoint{"VArRtgQ4", 10, i16, 11},
    ModelPoint{"VArRtg_SF", 11, sunssf},
    ModelPoint{"ARtg", 12, u16, 13},
    ModelPoint{"ARtg_SF", 13, sunssf},
    ModelPoint{"PFRtgQ1", 14, i16, 18},
    ModelPoint{"PFRtgQ2", 15, i16, 18},
    ModelPoint{"PFRtgQ3", 16, i16, 18},
    ModelPoint{"PFRtgQ4", 17, i16, 18},
    ModelPoint{"PFRtg_SF", 18, sunssf},
    ModelPoint{"WHRtg", 19, u16, 20},
    ModelPoint{"WHRtg_SF", 20, sunssf},
    ModelPoint{"AhrRtg", 21, u16, 22},
    ModelPoint{"AhrRtg_SF", 22, sunssf},
    ModelPoint{"MaxChaRte", 23, u16, 24},
    ModelPoint{"MaxChaRte_SF", 24, sunssf},
    ModelPoint{"MaxDisChaRte", 25, u16, 26},
    ModelPoint{"MaxDisChaRte_SF", 26, sunssf},
    ModelPoint{"Pad", 27, sunssf},
};

constexpr std::array kSettings{
    ModelPoint{"WMax", 2, u16, 22},      ModelPoint{"VRef", 3, u16, 23},         ModelPoint{"VRefOfs", 4, i16, 24},
    ModelPoint{"VMax", 5, u16, 25},      ModelPoint{"VMin", 6, u16, 25},         ModelPoint{"VAMax", 7, u16, 26},
    ModelPoint{"VArMaxQ1", 8, i16, 27},  ModelPoint{"VArMaxQ2", 9, i16, 27},     ModelPoint{"VArMaxQ3", 10, i16, 27},
    ModelPoint{"VArMaxQ4", 11, i16, 27}, ModelPoint{"WGra", 12, u16, 28},        ModelPoint{"PFMinQ1", 13, i16, 29},
    ModelPoint{"PFMinQ2", 14, i16, 29},  ModelPoint{"PFMinQ3", 15, i16, 29},     ModelPoint{"PFMinQ4", 16, i16, 29},
    ModelPoint{"VArAct", 17, u16},       ModelPoint{"ClcTotVA", 18, u16},        ModelPoint{"MaxRmpRte", 19, u16, 30},
    ModelPoint{"ECPNomHz", 20, u16, 31}, ModelPoint{"ConnPh", 21, u16},          ModelPoint{"WMax_SF", 22, sunssf},
    ModelPoint{"VRef_SF", 23, sunssf},   ModelPoint{"VRefOfs_SF", 24, sunssf},   ModelPoint{"VMinMax_SF", 25, sunssf},
    ModelPoint{"VAMax_SF", 26, sunssf},  ModelPoint{"VArMax_SF", 27, sunssf},    ModelPoint{"WGra_SF", 28, sunssf},
    ModelPoint{"PFMin_SF", 29, sunssf},  ModelPoint{"MaxRmpRte_SF", 30, sunssf}, ModelPoint{"ECPNomHz_SF", 31, sunssf},
};

constexpr std::array kStatus{
    ModelPoint{"PVConn", 2, u16},         ModelPoint{"StorConn", 3, u16},
    ModelPoint{"ECPConn", 4, u16},        ModelPoint{"ActWh", 5, acc64},
    ModelPoint{"ActVAh", 9, acc64},       ModelPoint{"ActVArhQ1", 13, acc64},
    ModelPoint{"ActVArhQ2", 17, acc64},   ModelPoint{"ActVArhQ3", 21, acc64},
    ModelPoint{"ActVArhQ4", 25, acc64},   ModelPoint{"VArAval", 29, i16, 30},
    ModelPoint{"VArAval_SF", 30, sunssf}, ModelPoint{"WAval", 31, u16, 32},
    ModelPoint{"WAval_SF", 32, sunssf},   ModelPoint{"StSetLimMsk", 33, u32},
    ModelPoint{"StActCtl", 35, u32},      ModelPoint{"TmSrc", 37, string, kNoExponent, 4},
    ModelPoint{"Tms", 41, u32},           ModelPoint{"RtSt", 43, u16},
    ModelPoint{"Ris", 44, u16, 45},       ModelPoint{"Ris_SF", 45, sunssf},
};

constexpr std::array kControls{
    ModelPoint{"Conn_WinTms", 2, u16},
    ModelPoint{"Conn_RvrtTms", 3, u16},
    ModelPoint{"Conn", 4, u16},
    ModelPoint{"WMaxLimPct", 5, u16, 23},
    ModelPoint{"WMaxLimPct_WinTms", 6, u16},
    ModelPoint{"WMaxLimPct_RvrtTms", 7, u16},
    ModelPoint{"WMaxLimPct_RmpTms", 8, u16},
    ModelPoint{"WMaxLim_Ena", 9, u16},
    ModelPoint{"OutPFSet", 10, i16, 24},
    ModelPoint{"OutPFSet_WinTms", 11, u16},
    ModelPoint{"OutPFSet_RvrtTms", 12, u16},
    ModelPoint{"OutPFSet_RmpTms", 13, u16},
    ModelPoint{"OutPFSet_Ena", 14, u16},
    ModelPoint{"VArWMaxPct", 15, i16, 25},
    ModelPoint{"VArMaxPct", 16, i16, 25},
    ModelPoint{"VArAvalPct", 17, i16, 25},
    ModelPoint{"VArPct_WinTms", 18, u16},
    ModelPoint{"VArPct_RvrtTms", 19, u16},
    ModelPoint{"VArPct_RmpTms", 20, u16},
    ModelPoint{"VArPct_Mod", 21, u16},
    ModelPoint{"VArPct_Ena", 22, u16},
    ModelPoint{"WMaxLimPct_SF", 23, sunssf},
    ModelPoint{"OutPFSet_SF", 24, sunssf},
    ModelPoint{"VArPct_SF", 25, sunssf},
};

constexpr std::array kStorage{
    ModelPoint{"WChaMax", 2, u16, 18},       ModelPoint{"WChaGra", 3, u16, 19},
    ModelPoint{"WDisChaGra", 4, u16, 19},    ModelPoint{"StorCtl_Mod", 5, u16},
    ModelPoint{"VAChaMax", 6, u16, 20},      ModelPoint{"MinRsvPct", 7, u16, 21},
    ModelPoint{"ChaState", 8, u16, 22},      ModelPoint{"StorAval", 9, u16, 23},
    ModelPoint{"InBatV", 10, u16, 24},       ModelPoint{"ChaSt", 11, u16},
    ModelPoint{"OutWRte", 12, i16, 25},      ModelPoint{"InWRte", 13, i16, 25},
    ModelPoint{"InOutWRte_WinTms", 14, u16}, ModelPoint{"InOutWRte_RvrtTms", 15, u16},
    ModelPoint{"InOutWRte_RmpTms", 16, u16}, ModelPoint{"ChaGriSet", 17, u16},
    ModelPoint{"WChaMax_SF", 18, sunssf},    ModelPoint{"WChaDisChaGra_SF", 19, sunssf},
    ModelPoint{"VAChaMax_SF", 20, sunssf},   ModelPoint{"MinRsvPct_SF", 21, sunssf},
    ModelPoint{"ChaState_SF", 22, sunssf},   ModelPoint{"StorAval_SF", 23, sunssf},
    ModelPoint{"InBatV_SF", 24, sunssf},     ModelPoint{"InOutWRte_SF", 25, sunssf},
};

constexpr std::array kMppt{
    ModelPoint{"DCA_SF", 2, sunssf},  ModelPoint{"DCV_SF", 3, sunssf}, ModelPoint{"DCW_SF", 4, sunssf},
    ModelPoint{"DCWH_SF", 5, sunssf}, ModelPoint{"Evt", 6, u32},       ModelPoint{"N", 8, u16},
    ModelPoint{"TmsPer", 9, u16},
};
constexpr std::array kMpptModule{
    ModelPoint{"ID", 0, u16},      ModelPoint{"IDStr", 1, string, kNoExponent, 8},
    ModelPoint{"DCA", 9, u16, 2},  ModelPoint{"DCV", 10, u16, 3},
    ModelPoint{"DCW", 11, u16, 4}, ModelPoint{"DCWH", 12, acc32, 5},
    ModelPoint{"Tms", 14, u32},    ModelPoint{"Tmp", 16, i16},
    ModelPoint{"DCSt", 17, u16},   ModelPoint{"DCEvt", 18, u32},
};

// 201…204: meter, integers with scale factors.
constexpr std::array kMeterInteger{
    ModelPoint{"A", 2, i16, 6},
    ModelPoint{"AphA", 3, i16, 6},
    ModelPoint{"AphB", 4, i16, 6},
    ModelPoint{"AphC", 5, i16, 6},
    ModelPoint{"A_SF", 6, sunssf},
    ModelPoint{"PhV", 7, i16, 15},
    ModelPoint{"PhVphA", 8, i16, 15},
    ModelPoint{"PhVphB", 9, i16, 15},
    ModelPoint{"PhVphC", 10, i16, 15},
    ModelPoint{"PPV", 11, i16, 15},
    ModelPoint{"PPVphAB", 12, i16, 15},
    ModelPoint{"PPVphBC", 13, i16, 15},
    ModelPoint{"PPVphCA", 14, i16, 15},
    ModelPoint{"V_SF", 15, sunssf},
    ModelPoint{"Hz", 16, i16, 17},
    ModelPoint{"Hz_SF", 17, sunssf},
    ModelPoint{"W", 18, i16, 22},
    ModelPoint{"WphA", 19, i16, 22},
    ModelPoint{"WphB", 20, i16, 22},
    ModelPoint{"WphC", 21, i16, 22},
    ModelPoint{"W_SF", 22, sunssf},
    ModelPoint{"VA", 23, i16, 27},
    ModelPoint{"VAphA", 24, i16, 27},
    ModelPoint{"VAphB", 25, i16, 27},
    ModelPoint{"VAphC", 26, i16, 27},
    ModelPoint{"VA_SF", 27, sunssf},
    ModelPoint{"VAR", 28, i16, 32},
    ModelPoint{"VARphA", 29, i16, 32},
    ModelPoint{"VARphB", 30, i16, 32},
    ModelPoint{"VARphC", 31, i16, 32},
    ModelPoint{"VAR_SF", 32, sunssf},
    ModelPoint{"PF", 33, i16, 37},
    ModelPoint{"PFphA", 34, i16, 37},
    ModelPoint{"PFphB", 35, i16, 37},
    ModelPoint{"PFphC", 36, i16, 37},
    ModelPoint{"PF_SF", 37, sunssf},
    ModelPoint{"TotWhExp", 38, acc32, 54},
    ModelPoint{"TotWhExpPhA", 40, acc32, 54},
    ModelPoint{"TotWhExpPhB", 42, acc32, 54},
    ModelPoint{"TotWhExpPhC", 44, acc32, 54},
    ModelPoint{"TotWhImp", 46, acc32, 54},
    ModelPoint{"TotWhImpPhA", 48, acc32, 54},
    ModelPoint{"TotWhImpPhB", 50, acc32, 54},
    ModelPoint{"TotWhImpPhC", 52, acc32, 54},
    ModelPoint{"TotWh_SF", 54, sunssf},
    ModelPoint{"TotVAhExp", 55, acc32, 71},
    ModelPoint{"TotVAhImp", 63, acc32, 71},
    ModelPoint{"TotVAh_SF", 71, sunssf},
    ModelPoint{"TotVArh_SF", 104, sunssf},
    ModelPoint{"Evt", 105, u32},
};

// 211…214: meter, floats.
constexpr std::array kMeterFloat{
    ModelPoint{"A", 2, f32},
    ModelPoint{"AphA", 4, f32},
    ModelPoint{"AphB", 6, f32},
    ModelPoint{"AphC", 8, f32},
    ModelPoint{"PhV", 10, f32},
    ModelPoint{"PhVphA", 12, f32},
    ModelPoint{"PhVphB", 14, f32},
    ModelPoint{"PhVphC", 16, f32},
    ModelPoint{"PPV", 18, f32},
    ModelPoint{"PPVphAB", 20, f32},
    ModelPoint{"PPVphBC", 22, f32},
    ModelPoint{"PPVphCA", 24, f32},
    ModelPoint{"Hz", 26, f32},
    ModelPoint{"W", 28, f32},
    ModelPoint{"WphA", 30, f32},
    ModelPoint{"WphB", 32, f32},
    ModelPoint{"WphC", 34, f32},
    ModelPoint{"VA", 36, f32},
    ModelPoint{"VAphA", 38, f32},
    ModelPoint{"VAphB", 40, f32},
    ModelPoint{"VAphC", 42, f32},
    ModelPoint{"VAR", 44, f32},
    ModelPoint{"VARphA", 46, f32},
    ModelPoint{"VARphB", 48, f32},
    ModelPoint{"VARphC", 50, f32},
    ModelPoint{"PF", 52, f32},
    ModelPoint{"PFphA", 54, f32},
    ModelPoint{"PFphB", 56, f32},
    ModelPoint{"PFphC", 58, f32},
    ModelPoint{"TotWhExp", 60, f32},
    ModelPoint{"TotWhExpPhA", 62, f32},
    ModelPoint{"TotWhExpPhB", 64, f32},
    ModelPoint{"TotWhExpPhC", 66, f32},
    ModelPoint{"TotWhImp", 68, f32},
    ModelPoint{"TotWhImpPhA", 70, f32},
    ModelPoint{"TotWhImpPhB", 72, f32},
    ModelPoint{"TotWhImpPhC", 74, f32},
    ModelPoint{"TotVAhExp", 76, f32},
    ModelPoint{"TotVAhImp", 84, f32},
    ModelPoint{"Evt", 124, u32},
};

constexpr std::array kDerMeasurement{
    ModelPoint{"ACType", 2, u16},
    ModelPoint{"St", 3, u16},
    ModelPoint{"InvSt", 4, u16},
    ModelPoint{"ConnSt", 5, u16},
    ModelPoint{"Alrm", 6, u32},
    ModelPoint{"DERMode", 8, u32},
    ModelPoint{"W", 10, i16, 116},
    ModelPoint{"VA", 11, i16, 118},
    ModelPoint{"Var", 12, i16, 119},
    ModelPoint{"PF", 13, i16, 117},
    ModelPoint{"A", 14, i16, 113},
    ModelPoint{"LLV", 15, u16, 114},
    ModelPoint{"LNV", 16, u16, 114},
    ModelPoint{"Hz", 17, u32, 115},
    ModelPoint{"TotWhInj", 19, u64, 120},
    ModelPoint{"TotWhAbs", 23, u64, 120},
    ModelPoint{"TotVarhInj", 27, u64, 121},
    ModelPoint{"TotVarhAbs", 31, u64, 121},
    ModelPoint{"TmpAmb", 35, i16, 122},
    ModelPoint{"TmpCab", 36, i16, 122},
    ModelPoint{"TmpSnk", 37, i16, 122},
    ModelPoint{"TmpTrns", 38, i16, 122},
    ModelPoint{"TmpSw", 39, i16, 122},
    ModelPoint{"TmpOt", 40, i16, 122},
    ModelPoint{"WL1", 41, i16, 116},
    ModelPoint{"VL1", 47, u16, 114},
    ModelPoint{"WL2", 64, i16, 116},
    ModelPoint{"VL2", 70, u16, 114},
    ModelPoint{"WL3", 87, i16, 116},
    ModelPoint{"VL3", 93, u16, 114},
    ModelPoint{"ThrotPct", 110, u16},
    ModelPoint{"ThrotSrc", 111, u32},
    ModelPoint{"A_SF", 113, sunssf},
    ModelPoint{"V_SF", 114, sunssf},
    ModelPoint{"Hz_SF", 115, sunssf},
    ModelPoint{"W_SF", 116, sunssf},
    ModelPoint{"PF_SF", 117, sunssf},
    ModelPoint{"VA_SF", 118, sunssf},
    ModelPoint{"Var_SF", 119, sunssf},
    ModelPoint{"TotWh_SF", 120, sunssf},
    ModelPoint{"TotVarh_SF", 121, sunssf},
    ModelPoint{"Tmp_SF", 122, sunssf},
    ModelPoint{"MnAlrmInfo", 123, string, kNoExponent, 32},
};

constexpr std::array kDerCapacity{
    ModelPoint{"WMaxRtg", 2, u16, 45},        ModelPoint{"VAMaxRtg", 7, u16, 47},
    ModelPoint{"WChaRteMaxRtg", 10, u16, 45}, ModelPoint{"WDisChaRteMaxRtg", 11, u16, 45},
    ModelPoint{"VNomRtg", 14, u16, 49},       ModelPoint{"AMaxRtg", 17, u16, 50},
    ModelPoint{"CtrlModes", 23, u32},         ModelPoint{"IntIslandCatRtg", 25, u16},
    ModelPoint{"WMax", 26, u16, 45},          ModelPoint{"WChaRteMax", 34, u16, 45},
    ModelPoint{"WDisChaRteMax", 35, u16, 45}, ModelPoint{"VNom", 38, u16, 49},
    ModelPoint{"AMax", 41, u16, 50},          ModelPoint{"W_SF", 45, sunssf},
    ModelPoint{"PF_SF", 46, sunssf},          ModelPoint{"VA_SF", 47, sunssf},
    ModelPoint{"Var_SF", 48, sunssf},         ModelPoint{"V_SF", 49, sunssf},
    ModelPoint{"A_SF", 50, sunssf},           ModelPoint{"S_SF", 51, sunssf},
};

constexpr std::array kStorageCapacity{
    ModelPoint{"WHRtg", 2, u16, 7},  ModelPoint{"WHAvail", 3, u16, 7}, ModelPoint{"SoC", 4, u16, 8},
    ModelPoint{"SoH", 5, u16, 8},    ModelPoint{"Sta", 6, u16},        ModelPoint{"WH_SF", 7, sunssf},
    ModelPoint{"Pct_SF", 8, sunssf},
};

constexpr std::array kDcMeasurement{
    ModelPoint{"PrtAlrms", 2, u32},    ModelPoint{"NPrt", 4, u16},        ModelPoint{"DCA", 5, i16, 15},
    ModelPoint{"DCW", 6, i16, 17},     ModelPoint{"DCWhInj", 7, u64, 18}, ModelPoint{"DCWhAbs", 11, u64, 18},
    ModelPoint{"DCA_SF", 15, sunssf},  ModelPoint{"DCV_SF", 16, sunssf},  ModelPoint{"DCW_SF", 17, sunssf},
    ModelPoint{"DCWH_SF", 18, sunssf}, ModelPoint{"Tmp_SF", 19, sunssf},
};
constexpr std::array kDcPort{
    ModelPoint{"PrtTyp", 0, u16},
    ModelPoint{"ID", 1, u16},
    ModelPoint{"IDStr", 2, string, kNoExponent, 8},
    ModelPoint{"PrtA", 10, i16, 15},
    ModelPoint{"PrtV", 11, u16, 16},
    ModelPoint{"PrtW", 12, i16, 17},
    ModelPoint{"PrtWhInj", 13, u64, 18},
    ModelPoint{"PrtWhAbs", 17, u64, 18},
    ModelPoint{"Tmp", 21, i16, 19},
    ModelPoint{"DCSta", 22, u16},
    ModelPoint{"DCAlrm", 23, u32},
};

constexpr std::array kBattery{
    ModelPoint{"AHRtg", 2, u16, 52},
    ModelPoint{"WHRtg", 3, u16, 53},
    ModelPoint{"WChaRteMax", 4, u16, 54},
    ModelPoint{"WDisChaRteMax", 5, u16, 54},
    ModelPoint{"SoCMax", 7, u16, 56},
    ModelPoint{"SoCMin", 8, u16, 56},
    ModelPoint{"SocRsvMax", 9, u16, 56},
    ModelPoint{"SoCRsvMin", 10, u16, 56},
    ModelPoint{"SoC", 11, u16, 56},
    ModelPoint{"DoD", 12, u16, 57},
    ModelPoint{"SoH", 13, u16, 58},
    ModelPoint{"NCyc", 14, u32},
    ModelPoint{"ChaSt", 16, u16},
    ModelPoint{"LocRemCtl", 17, u16},
    ModelPoint{"Hb", 18, u16},
    ModelPoint{"CtrlHb", 19, u16},
    ModelPoint{"Typ", 21, u16},
    ModelPoint{"State", 22, u16},
    ModelPoint{"Evt1", 26, u32},
    ModelPoint{"Evt2", 28, u32},
    ModelPoint{"EvtVnd1", 30, u32},
    ModelPoint{"EvtVnd2", 32, u32},
    ModelPoint{"V", 34, u16, 59},
    ModelPoint{"VMax", 35, u16, 59},
    ModelPoint{"VMin", 36, u16, 59},
    ModelPoint{"A", 44, i16, 61},
    ModelPoint{"AChaMax", 45, u16, 62},
    ModelPoint{"ADisChaMax", 46, u16, 62},
    ModelPoint{"W", 47, i16, 63, 0, true},
    ModelPoint{"AHRtg_SF", 52, sunssf},
    ModelPoint{"WHRtg_SF", 53, sunssf},
    ModelPoint{"WChaDisChaMax_SF", 54, sunssf},
    ModelPoint{"SoC_SF", 56, sunssf},
    ModelPoint{"DoD_SF", 57, sunssf},
    ModelPoint{"SoH_SF", 58, sunssf},
    ModelPoint{"V_SF", 59, sunssf},
    ModelPoint{"CellV_SF", 60, sunssf},
    ModelPoint{"A_SF", 61, sunssf},
    ModelPoint{"AMax_SF", 62, sunssf},
    ModelPoint{"W_SF", 63, sunssf},
};

constexpr std::array kModels{
    Model{1, 66, kCommon, 0, 0, {}},
    Model{101, 50, kInverterInteger, 0, 0, {}},
    Model{102, 50, kInverterInteger, 0, 0, {}},
    Model{103, 50, kInverterInteger, 0, 0, {}},
    Model{111, 60, kInverterFloat, 0, 0, {}},
    Model{112, 60, kInverterFloat, 0, 0, {}},
    Model{113, 60, kInverterFloat, 0, 0, {}},
    Model{120, 26, kNameplate, 0, 0, {}},
    Model{121, 30, kSettings, 0, 0, {}},
    Model{122, 44, kStatus, 0, 0, {}},
    Model{123, 24, kControls, 0, 0, {}},
    Model{124, 24, kStorage, 0, 0, {}},
    Model{160, 8, kMppt, 20, 8, kMpptModule},
    Model{201, 105, kMeterInteger, 0, 0, {}},
    Model{202, 105, kMeterInteger, 0, 0, {}},
    Model{203, 105, kMeterInteger, 0, 0, {}},
    Model{204, 105, kMeterInteger, 0, 0, {}},
    Model{211, 124, kMeterFloat, 0, 0, {}},
    Model{212, 124, kMeterFloat, 0, 0, {}},
    Model{213, 124, kMeterFloat, 0, 0, {}},
    Model{214, 124, kMeterFloat, 0, 0, {}},
    Model{701, 153, kDerMeasurement, 0, 0, {}},
    Model{702, 50, kDerCapacity, 0, 0, {}},
    Model{713, 7, kStorageCapacity, 0, 0, {}},
    Model{714, 18, kDcMeasurement, 25, 4, kDcPort},
    Model{802, 62, kBattery, 0, 0, {}},
};

const ModelPoint* find_in(std::span<const ModelPoint> points, std::string_view name) {
  const auto found = std::ranges::find(points, name, &ModelPoint::name);
  return found == points.end() ? nullptr : &*found;
}

}  // namespace

const Model* find_model(std::uint16_t id) {
  const auto found = std::ranges::find(kModels, id, &Model::id);
  return found == kModels.end() ? nullptr : &*found;
}

std::span<const Model> all_models() { return kModels; }

const ModelPoint* find_point(const Model& model, std::string_view name) {
  const ModelPoint* point = find_in(model.points, name);
  return point ? point : find_in(model.group_points, name);
}

bool in_group(const Model& model, std::string_view name) {
  return !find_in(model.points, name) && find_in(model.group_points, name);
}

}  // namespace sluice::devices
