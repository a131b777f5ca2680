# Debian packages: skerry-controller, skerry-agent, skerry-agent-slim (without the models' runtime), skerryctl. `cmake --build build/release --target packages` makes them in
# build/release/packages; docs/deploy-edge-box.md says how to use them.
#
# Each is a component of the installation: programs under /usr, settings in /etc/skerry, a systemd unit, a manual page, and an
# SBOM of what is linked into the programs. Libraries are Debian's; dpkg-shlibdeps says which.
if(SKERRY_SANITIZE OR NOT TARGET skerry-controller OR NOT TARGET skerry-agent OR NOT TARGET skerryctl)
  return()  # not what ships
endif()
find_program(HELP2MAN help2man)
if(NOT HELP2MAN)
  message(STATUS "No packages: help2man is missing (scripts/install-deps installs it)")
  return()
endif()

set(made ${PROJECT_BINARY_DIR}/packaging)  # what is not in the sources
set(sources ${PROJECT_SOURCE_DIR}/packaging)

# skerry_manual(program section): made/man/PROGRAM.SECTION.gz of what the program says of itself.
set(manuals)
function(skerry_manual program section)
  set(page ${made}/man/${program}.${section})
  add_custom_command(OUTPUT ${page}.gz
    COMMAND ${CMAKE_COMMAND} -E make_directory ${made}/man
    COMMAND ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=0 ${HELP2MAN} --no-info --section=${section} --source=Skerry
            --manual=Skerry --include=${sources}/man/${program}.inc --output=${page} $<TARGET_FILE:${program}>
    COMMAND gzip -9nf ${page}
    DEPENDS ${program} ${sources}/man/${program}.inc
    VERBATIM)
  set(manuals ${manuals} ${page}.gz PARENT_SCOPE)
endfunction()
skerry_manual(skerry-controller 8)
skerry_manual(skerry-agent 8)
skerry_manual(skerryctl 1)

set(completions)
foreach(shell bash zsh fish)
  add_custom_command(OUTPUT ${made}/completions/${shell}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${made}/completions
    COMMAND sh -c "\"$1\" completion ${shell} > \"$2\"" - $<TARGET_FILE:skerryctl> ${made}/completions/${shell}
    DEPENDS skerryctl
    VERBATIM)
  list(APPEND completions ${made}/completions/${shell})
endforeach()

# skerry_sbom(package target...): made/PACKAGE.spdx.json.
set(sboms)
function(skerry_sbom package)
  set(programs)
  foreach(target ${ARGN})
    list(APPEND programs $<TARGET_FILE:${target}>)
  endforeach()
  add_custom_command(OUTPUT ${made}/${package}.spdx.json
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/sbom --build ${PROJECT_BINARY_DIR} --program ${programs} --output ${made}/${package}.spdx.json
    DEPENDS ${ARGN}
    VERBATIM)
  set(sboms ${sboms} ${made}/${package}.spdx.json PARENT_SCOPE)
endfunction()
skerry_sbom(skerry-controller skerry-controller)
skerry_sbom(skerry-agent skerry-agent skerry-agent-site skerry-runner skerry_runner_torch)
skerry_sbom(skerry-agent-slim skerry-agent skerry-agent-site)
skerry_sbom(skerryctl skerryctl)

# skerry_package(package unit folder user): what a daemon's package has beside its programs.
function(skerry_package package unit folder user)
  set(PACKAGE ${package})
  set(UNIT ${unit})
  set(FOLDER ${folder})
  set(USER ${user})
  foreach(script postinst prerm postrm)
    configure_file(${sources}/deb/${script}.in ${made}/${package}/${script} @ONLY)
    file(CHMOD ${made}/${package}/${script} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
                                                        WORLD_EXECUTE)
  endforeach()
  file(WRITE ${made}/${package}/conffiles "/etc/skerry/${folder}.yaml\n")
  install(FILES ${sources}/etc/${folder}.yaml DESTINATION /etc/skerry COMPONENT ${package})
  install(FILES ${sources}/systemd/${unit}.service DESTINATION lib/systemd/system COMPONENT ${package})
  install(FILES ${made}/man/${unit}.8.gz DESTINATION share/man/man8 COMPONENT ${package})
endfunction()
skerry_package(skerry-controller skerry-controller controller skerry)
skerry_package(skerry-agent skerry-agent agent skerry-agent)
skerry_package(skerry-agent-slim skerry-agent agent skerry-agent)

install(TARGETS skerry-controller DESTINATION bin COMPONENT skerry-controller)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/policies DESTINATION share/skerry COMPONENT skerry-controller)
foreach(package skerry-agent skerry-agent-slim)
  install(TARGETS skerry-agent DESTINATION bin COMPONENT ${package})
  install(TARGETS skerry-agent-site DESTINATION lib/skerry COMPONENT ${package})
endforeach()
install(TARGETS skerry-runner DESTINATION lib/skerry COMPONENT skerry-agent)
install(TARGETS skerry_runner_torch LIBRARY DESTINATION lib/skerry COMPONENT skerry-agent)
install(TARGETS skerryctl DESTINATION bin COMPONENT skerryctl)
install(FILES ${made}/man/skerryctl.1.gz DESTINATION share/man/man1 COMPONENT skerryctl)
install(FILES ${made}/completions/bash DESTINATION share/bash-completion/completions RENAME skerryctl COMPONENT skerryctl)
install(FILES ${made}/completions/zsh DESTINATION share/zsh/vendor-completions RENAME _skerryctl COMPONENT skerryctl)
install(FILES ${made}/completions/fish DESTINATION share/fish/vendor_completions.d RENAME skerryctl.fish COMPONENT skerryctl)
set(packages skerry-controller skerry-agent skerry-agent-slim skerryctl)
foreach(package ${packages})
  install(FILES ${made}/${package}.spdx.json DESTINATION share/doc/${package} RENAME sbom.spdx.json COMPONENT ${package})
  install(FILES ${sources}/deb/copyright DESTINATION share/doc/${package} COMPONENT ${package})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${packages})
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGE_CONTACT "The Skerry developers <maintainers@skerry.invalid>")
set(CPACK_PACKAGE_VENDOR Skerry)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_SKERRY-CONTROLLER_PACKAGE_NAME skerry-controller)
set(CPACK_DEBIAN_SKERRY-AGENT_PACKAGE_NAME skerry-agent)
set(CPACK_DEBIAN_SKERRY-AGENT-SLIM_PACKAGE_NAME skerry-agent-slim)
set(CPACK_DEBIAN_SKERRYCTL_PACKAGE_NAME skerryctl)
set(CPACK_COMPONENT_SKERRY-CONTROLLER_DESCRIPTION "Skerry: accepts inference jobs and places them on nodes
 One process with an embedded store: what it acknowledges is on the disk.")
set(CPACK_COMPONENT_SKERRY-AGENT_DESCRIPTION "Skerry: runs inference work on this node
 The agent, and the sandboxed process in which it runs models with libtorch.")
set(CPACK_COMPONENT_SKERRY-AGENT-SLIM_DESCRIPTION "Skerry: the agent of a node without libtorch
 For nodes whose engines are others than torch: a tenth of skerry-agent's size with what it needs.")
set(CPACK_COMPONENT_SKERRYCTL_DESCRIPTION "Skerry: the command line
 Submits work, shows nodes and jobs, and explains placements.")
set(CPACK_DEBIAN_SKERRY-CONTROLLER_PACKAGE_DEPENDS "adduser, init-system-helpers")
set(CPACK_DEBIAN_SKERRY-AGENT_PACKAGE_DEPENDS "adduser, init-system-helpers, libopenblas0-pthread")
set(CPACK_DEBIAN_SKERRY-AGENT-SLIM_PACKAGE_DEPENDS "adduser, init-system-helpers")
# One or the other.
set(CPACK_DEBIAN_SKERRY-AGENT_PACKAGE_CONFLICTS skerry-agent-slim)
set(CPACK_DEBIAN_SKERRY-AGENT_PACKAGE_REPLACES skerry-agent-slim)
set(CPACK_DEBIAN_SKERRY-AGENT-SLIM_PACKAGE_CONFLICTS skerry-agent)
set(CPACK_DEBIAN_SKERRY-AGENT-SLIM_PACKAGE_REPLACES skerry-agent)
set(CPACK_DEBIAN_SKERRY-CONTROLLER_PACKAGE_RECOMMENDS skerryctl)
foreach(package SKERRY-CONTROLLER SKERRY-AGENT SKERRY-AGENT-SLIM)
  string(TOLOWER ${package} folder)
  set(CPACK_DEBIAN_${package}_PACKAGE_CONTROL_EXTRA ${made}/${folder}/postinst ${made}/${folder}/prerm ${made}/${folder}/postrm
                                                    ${made}/${folder}/conffiles)
endforeach()
include(CPack)

add_custom_target(packages
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${PROJECT_BINARY_DIR}/packages
  COMMAND ${CMAKE_CPACK_COMMAND} --config ${PROJECT_BINARY_DIR}/CPackConfig.cmake
  DEPENDS ${manuals} ${completions} ${sboms} skerry-controller skerry-agent skerry-runner skerry_runner_torch skerryctl
  WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  COMMENT "Debian packages, into packages/"
  VERBATIM)
