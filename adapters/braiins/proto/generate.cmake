# sluice_braiins_proto(target full|lite): a static library of the messages and gRPC stubs of bos_version.proto and
# bos_v1.proto; include "bos_v1.grpc.pb.h". A process may hold the full messages once only, so plugins take lite ones.
set(SLUICE_BRAIINS_PROTO_DIR "${CMAKE_CURRENT_LIST_DIR}")

function(sluice_braiins_proto target mode)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}")
  file(MAKE_DIRECTORY "${out}")
  set(cpp_out "${out}")
  if(mode STREQUAL "lite")
    set(cpp_out "lite:${out}")
  endif()
  set(sources)
  foreach(name bos_version bos_v1)
    set(generated "${out}/${name}.pb.cc" "${out}/${name}.pb.h" "${out}/${name}.grpc.pb.cc" "${out}/${name}.grpc.pb.h")
    add_custom_command(OUTPUT ${generated}
      COMMAND protobuf::protoc "--proto_path=${SLUICE_BRAIINS_PROTO_DIR}" "--cpp_out=${cpp_out}" "--grpc_out=${out}"
        "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>" "${SLUICE_BRAIINS_PROTO_DIR}/${name}.proto"
      DEPENDS "${SLUICE_BRAIINS_PROTO_DIR}/${name}.proto" VERBATIM)
    list(APPEND sources ${generated})
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC "${out}")
  target_link_libraries(${target} PUBLIC gRPC::grpc++)
endfunction()
