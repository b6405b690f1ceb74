# SPDX-License-Identifier: Apache-2.0
# The programs that bench/race.py lets run, built by the target bench-build alone.
file(GLOB bench_mains CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/bench_*.c)
file(GLOB lean_mains CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/lean/lean_*.c)
file(GLOB lean_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/lean/*.c)
list(REMOVE_ITEM lean_sources ${lean_mains})
set(bench ${PROJECT_SOURCE_DIR}/bench)
add_custom_target(bench-build)

function(gossamer_bench_objects name)
    add_library(${name} OBJECT EXCLUDE_FROM_ALL ${ARGN})
    target_link_libraries(${name} PRIVATE gossamer_flags)
    target_include_directories(${name} PRIVATE ${PROJECT_BINARY_DIR})
endfunction()
gossamer_bench_objects(bench_common ${bench}/serve.c ${bench}/numbers.c)
gossamer_bench_objects(bench_workload ${bench}/workload.c ${bench}/workload_run.c)
gossamer_bench_objects(bench_lean ${lean_sources})

# Steps written by hand, raced like peers: for this machine alone, as a day of hand work would be. No traps: or gcc
# leaves choices between two numbers as branches, in loops that it then does not vectorise.
set(lean_flags -O3 -march=native -fno-trapping-math)
target_compile_options(bench_lean PRIVATE ${lean_flags})

foreach(main IN LISTS bench_mains lean_mains)
    cmake_path(GET main STEM name)
    add_executable(${name} EXCLUDE_FROM_ALL ${main} $<TARGET_OBJECTS:bench_common>)
    if(main IN_LIST lean_mains)
        target_sources(${name} PRIVATE $<TARGET_OBJECTS:bench_lean>)
        target_compile_options(${name} PRIVATE ${lean_flags})
    else()
        target_sources(${name} PRIVATE $<TARGET_OBJECTS:bench_workload>)
    endif()
    target_include_directories(${name} PRIVATE ${PROJECT_BINARY_DIR})
    target_link_libraries(${name} PRIVATE gossamer_flags gossamer_static)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
    add_dependencies(bench-build ${name})
endforeach()
