# sluice_adapter(name SOURCES … [LIBS …] [MANIFEST file]): one adapter, `name.so` beside `name.yaml`.
# Nothing but the entry is exported, so that two adapters and the daemon never share a symbol by accident.
function(sluice_adapter name)
  cmake_parse_arguments(ARG "" "MANIFEST" "SOURCES;LIBS" ${ARGN})
  if(NOT ARG_MANIFEST)
    set(ARG_MANIFEST "${CMAKE_CURRENT_SOURCE_DIR}/manifest.yaml")
  endif()
  set(exports "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/adapter.map")
  set(target "sluice_adapter_${name}")
  add_library(${target} MODULE ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE Sluice::AdapterSdk ${ARG_LIBS})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME "${name}" SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/sluice/adapters"
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS "${exports}")
  # Unique symbols would be shared between libraries in spite of hidden visibility and keep them from being unloaded.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${target} PRIVATE "LINKER:--version-script=${exports}" "LINKER:--exclude-libs,ALL")
  configure_file("${ARG_MANIFEST}" "${CMAKE_BINARY_DIR}/lib/sluice/adapters/${name}.yaml" COPYONLY)
  install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/sluice/adapters")
  install(FILES "${ARG_MANIFEST}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/sluice/adapters" RENAME "${name}.yaml")
endfunction()
