# skerry_link_lean(target): links the big libraries of a daemon statically, as far as their archives are installed.
#
# The archives come first in the link, so they satisfy every reference, and the shared libraries of the same name, which
# other modules ask for, fall away by --as-needed. Names of what is in archives are nobody else's, so they are not exported:
# that is 2 MB less to map. Without archives everything is linked as usual.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LEAN_GRPC QUIET grpc++)
pkg_check_modules(LEAN_PROTOBUF QUIET protobuf)

function(skerry_link_lean target)
  set(archives)
  foreach(library yaml-cpp protobuf ${LEAN_GRPC_STATIC_LIBRARIES})
    find_library(LEAN_${library} NAMES lib${library}.a HINTS ${LEAN_GRPC_STATIC_LIBRARY_DIRS})
    mark_as_advanced(LEAN_${library})
    if(LEAN_${library} AND NOT library MATCHES "^(dl|rt|pthread|atomic)$")
      list(APPEND archives ${LEAN_${library}})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES archives)
  if(archives AND NOT SKERRY_SANITIZE)
    target_link_options(${target} PRIVATE -Wl,--as-needed -Wl,--gc-sections -Wl,--exclude-libs,ALL -Wl,--start-group ${archives} -Wl,--end-group)
    target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})
  endif()
endfunction()
