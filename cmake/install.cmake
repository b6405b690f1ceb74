# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` leaves under the prefix: the command, both libraries, headers, gossamer.pc, the CMake package
# (find_package(gossamer) gives gossamer::gossamer and gossamer::static), documents, examples and configurations.
# Beside that, build/gossamer.pc: the same for the build folder itself.
include(CMakePackageConfigHelpers)

# The libraries themselves, not Requires.private: that would name what they in turn are made of (libzip: bzip2,
# OpenSSL),
# which a link with their shared forms does not need and a machine may not have.
list(JOIN library_flags " " pc_private)

# A path as pkg-config wants it.
function(gossamer_pc_path out path)
    string(REPLACE " " "\\ " path "${path}")
    set(${out} "${path}" PARENT_SCOPE)
endfunction()

gossamer_pc_path(pc_prefix "${PROJECT_BINARY_DIR}")
set(pc_libdir "\${prefix}")
gossamer_pc_path(pc_includedir "${PROJECT_SOURCE_DIR}/include")
configure_file(cmake/gossamer.pc.in gossamer.pc @ONLY)

if(NOT PROJECT_IS_TOP_LEVEL)
    return()
endif()

# Relative to the file where it can be: then it is right for any --prefix and below any DESTDIR.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    gossamer_pc_path(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
    file(RELATIVE_PATH upwards /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    cmake_path(SET upwards NORMALIZE "${upwards}")
    string(REGEX REPLACE "/$" "" upwards "${upwards}")
    set(pc_prefix "\${pcfiledir}/${upwards}")
endif()
foreach(folder libdir includedir)
    string(TOUPPER ${folder} upper)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${upper}}")
        gossamer_pc_path(pc_${folder} "${CMAKE_INSTALL_${upper}}")
    else()
        gossamer_pc_path(pc_${folder} "\${prefix}/${CMAKE_INSTALL_${upper}}")
    endif()
endforeach()
configure_file(cmake/gossamer.pc.in installed/gossamer.pc @ONLY)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/gossamer)
set(installed_targets gossamer_static gossamer_command)
set_target_properties(gossamer_static PROPERTIES EXPORT_NAME static)
if(GOSSAMER_SHARED)
    list(APPEND installed_targets gossamer_shared)
    set_target_properties(gossamer_shared PROPERTIES EXPORT_NAME gossamer)
endif()
install(TARGETS ${installed_targets} EXPORT gossamer)
install(EXPORT gossamer NAMESPACE gossamer:: FILE gossamer-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/gossamer-config.cmake.in installed/gossamer-config.cmake
    INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(installed/gossamer-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/installed/gossamer-config.cmake
    ${PROJECT_BINARY_DIR}/installed/gossamer-config-version.cmake DESTINATION ${package_folder})
install(FILES ${PROJECT_BINARY_DIR}/installed/gossamer.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY include/gossamer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

file(GLOB documents CONFIGURE_DEPENDS LICENSE* NOTICE* README.md CHANGELOG.md docs/*.md docs/*.svg)
file(GLOB configurations CONFIGURE_DEPENDS configs/*.ini)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${example_sources} examples/room_process.py examples/CMakeLists.txt
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES ${configurations} DESTINATION ${CMAKE_INSTALL_DATADIR}/gossamer)
file(GLOB models CONFIGURE_DEPENDS models/*.safetensors) # found by their names (cli/model_name.c)
install(FILES ${models} DESTINATION ${CMAKE_INSTALL_DATADIR}/gossamer/models)
