# SPDX-License-Identifier: Apache-2.0
# Test programs (tests/test_*.c, one each, on cmocka) and the examples, which tests run. All of them once with the
# libraries that were found; and what stands on the upper floors once more without all of them (tests-without-all,
# `ctest -C without-all`), and without each one of them (tests-without-png, ...).
enable_testing()
file(GLOB test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/test_*.c)
file(GLOB framework_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/framework/*.c)
file(GLOB example_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)

set(GOSSAMER_CMOCKA AUTO CACHE STRING "AUTO: as pkg-config finds it; shim: tests/framework/shim, for foreign targets")
if(GOSSAMER_CMOCKA STREQUAL "shim")
    set(cmocka_INCLUDE_DIRS ${PROJECT_SOURCE_DIR}/tests/framework/shim)
    set(cmocka_FOUND TRUE)
elseif(PKG_CONFIG_FOUND)
    pkg_check_modules(cmocka QUIET cmocka)
endif()
if(NOT cmocka_FOUND)
    message(STATUS "Not found: cmocka. Tests are not built. To have it: make deps, or: apt-get install libcmocka-dev")
    add_custom_target(tests COMMAND ${CMAKE_COMMAND} -E echo "The tests need cmocka: make deps" COMMAND false)
    return()
endif()

add_library(gossamer_testing STATIC EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/tests/framework/runner.c)
target_link_libraries(gossamer_testing PRIVATE gossamer_flags PUBLIC ${cmocka_LDFLAGS})
target_include_directories(gossamer_testing SYSTEM PRIVATE ${cmocka_INCLUDE_DIRS})

# A program in `folder` under the name of its source.
function(gossamer_program target source folder)
    cmake_path(GET source STEM name)
    add_executable(${target} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${target} PRIVATE gossamer_flags ${ARGN})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${folder})
endfunction()

# Tests and examples beside each other in `folder`, as targets whose names begin with `prefix` and are what `all` waits
# for; ARGN: what they link.
function(gossamer_tests all prefix folder sources)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        gossamer_program(${prefix}${name} ${source} ${folder}/tests gossamer_testing ${ARGN})
        add_dependencies(${all} ${prefix}${name})
    endforeach()
    foreach(source IN LISTS example_sources)
        cmake_path(GET source STEM name)
        gossamer_program(${prefix}example_${name} ${source} ${folder}/examples ${ARGN})
        add_dependencies(${all} ${prefix}example_${name})
    endforeach()
endfunction()

if(BUILD_TESTING)
    add_custom_target(tests ALL)
else()
    add_custom_target(tests)
endif()
gossamer_tests(tests "" ${PROJECT_BINARY_DIR} "${test_sources}" gossamer_static gossamer_libraries)
gossamer_program(test_failing ${PROJECT_SOURCE_DIR}/tests/framework/failing.c ${PROJECT_BINARY_DIR}/tests/framework
    gossamer_testing)
add_dependencies(tests gossamer_command test_failing)
foreach(source IN LISTS test_sources)
    cmake_path(GET source STEM name)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endforeach()

# What configuring does with flags of the user's; gossamer-ale with a stand-in for its library; whether
# tools/check-floors, -headers and -format find what they are there for; an installed copy in use, which needs
# `products`.
if(NOT GOSSAMER_SANITIZE AND NOT GOSSAMER_CMOCKA STREQUAL "shim")
    add_test(NAME check_configure COMMAND tools/check-configure ${CMAKE_C_COMPILER}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME check_ale COMMAND tools/check-ale ${CMAKE_C_COMPILER}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME check_floors COMMAND tools/check-floors-finds ${CMAKE_C_COMPILER}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME check_headers COMMAND tools/check-headers-finds WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME check_format COMMAND tools/check-format-finds
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME check_install COMMAND tools/check-install ${PROJECT_BINARY_DIR} ${CMAKE_C_COMPILER}
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
endif()

# The tests that can tell a build without a library from one with it: the core knows none of them.
set(upper_headers "tiny_set|tiny_model|cli_run|image_world|goss_config|libraries")
set(upper_headers "(${upper_headers}|io/[a-z_]+|data/[a-z_]+|task/[a-z_]+|meta/[a-z_]+|train/[a-z_]+)")
set(upper_public "gossamer/(config|data|episode|evaluate|model|safetensors|train)")
foreach(source IN LISTS test_sources)
    file(STRINGS ${source} upper REGEX "#include \"(${upper_headers}|${upper_public})\\.h\"")
    if(upper)
        list(APPEND upper_tests ${source})
    endif()
endforeach()

# What sees goss_config.h, and its objects by folder and name.
gossamer_configured(configured_upper ${GOSSAMER_UPPER_SOURCES})
gossamer_configured(configured_cli ${GOSSAMER_COMMAND_SOURCES})
set(configured_objects ${configured_upper} ${configured_cli})
list(TRANSFORM configured_objects REPLACE ".*/([^/]+/[^/]+)\\.c$" "\\1")
list(JOIN configured_objects "|" configured_objects)
# A build without the libraries of these names (ARGN), in without-SUFFIX/. It compiles what sees goss_config.h and
# shares all other objects.
function(gossamer_without suffix)
    set(folder ${PROJECT_BINARY_DIR}/without-${suffix})
    set(prefix without-${suffix}-)
    gossamer_configure(${folder} ${prefix}libraries ${ARGN})
    foreach(part upper cli)
        gossamer_object_library(${prefix}${part} ${configured_${part}})
        target_link_libraries(${prefix}${part} PRIVATE ${prefix}libraries)
        set_target_properties(${prefix}${part} PROPERTIES EXCLUDE_FROM_ALL ON)
        set(shared "$<FILTER:$<TARGET_OBJECTS:gossamer_${part}>,EXCLUDE,/(${configured_objects})[.]c>")
        set(objects_${part} $<TARGET_OBJECTS:${prefix}${part}> ${shared})
    endforeach()
    add_library(${prefix}static STATIC EXCLUDE_FROM_ALL ${GOSSAMER_CORE_OBJECTS} ${objects_upper})
    set_target_properties(${prefix}static PROPERTIES OUTPUT_NAME gossamer ARCHIVE_OUTPUT_DIRECTORY ${folder})
    add_executable(${prefix}command EXCLUDE_FROM_ALL ${objects_cli})
    target_link_libraries(${prefix}command PRIVATE gossamer_flags ${prefix}static ${prefix}libraries)
    set_target_properties(${prefix}command PROPERTIES OUTPUT_NAME gossamer RUNTIME_OUTPUT_DIRECTORY ${folder})
    add_custom_target(tests-without-${suffix})
    add_dependencies(tests-without-${suffix} ${prefix}command)
    gossamer_tests(tests-without-${suffix} ${prefix} ${folder} "${upper_tests}" ${prefix}static ${prefix}libraries)
    foreach(source IN LISTS upper_tests)
        cmake_path(GET source STEM name)
        add_test(NAME ${prefix}${name} COMMAND ${prefix}${name} CONFIGURATIONS without-${suffix}
            WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    endforeach()
endfunction()

gossamer_without(all ${GOSSAMER_ALL_NAMES})
foreach(name IN LISTS GOSSAMER_ALL_NAMES)
    string(TOLOWER ${name} suffix)
    gossamer_without(${suffix} ${name})
endforeach()
