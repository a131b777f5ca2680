# skerry_torch: libtorch, for the targets that include its headers.
#
# libtorch 2.x brings headers of its own fmt, which stand before those of the system's; compiled in place they need no
# library, whatever their version is, and do not meet the fmt that common/ is linked with.
if(NOT TARGET skerry_torch)
  find_package(Torch REQUIRED GLOBAL)
  add_library(skerry_torch INTERFACE)
  target_link_libraries(skerry_torch INTERFACE ${TORCH_LIBRARIES})
  target_compile_definitions(skerry_torch INTERFACE FMT_HEADER_ONLY=1)
endif()
