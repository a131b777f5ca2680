# skerry_ship(target): the target is a program, or a module that one opens, that users get.
#
# BUILD/shipped/TARGET.json then says where it is, for scripts/check-hardening, check-reproducible and sbom. The linker notes
# what it takes out of static archives, which nothing in the program tells later.
function(skerry_ship target)
  set(extracted)
  if(LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(extracted ${CMAKE_CURRENT_BINARY_DIR}/${target}.extracted)
    target_link_options(${target} PRIVATE LINKER:--why-extract=${extracted})
  endif()
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/shipped/${target}.json
       CONTENT "{\"target\": \"${target}\", \"program\": \"$<TARGET_FILE:${target}>\", \"extracted\": \"${extracted}\"}\n")
endfunction()
