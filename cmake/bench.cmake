# SPDX-License-Identifier: Apache-2.0
# The programs that bench/race.py lets run, built by the target bench-build alone, and by bench-thresholds those of
# bench/thresholds.py.
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

# The programs once more, with the header of the cost model that bench/thresholds.py writes: objects of the files that
# include it stand before the library, whose own are then not linked.
foreach(source IN LISTS core_sources)
    file(STRINGS ${source} includes REGEX "graph/cost_model\\.h" LIMIT_COUNT 1)
    if(includes)
        list(APPEND thresholds_sources ${source})
    endif()
endforeach()
set(thresholds ${PROJECT_BINARY_DIR}/thresholds)
gossamer_bench_objects(bench_thresholds ${thresholds_sources})
# Variables are compared with unsigned numbers without the care that the compiler takes of constants.
target_compile_options(bench_thresholds PRIVATE -iquote ${thresholds}/include -Wno-sign-compare)
add_custom_target(bench-thresholds)

function(gossamer_bench_program target main folder)
    add_executable(${target} EXCLUDE_FROM_ALL ${main} ${ARGN} $<TARGET_OBJECTS:bench_common>)
    cmake_path(GET main STEM name)
    target_include_directories(${target} PRIVATE ${PROJECT_BINARY_DIR})
    target_link_libraries(${target} PRIVATE gossamer_flags gossamer_static)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${folder})
endfunction()

foreach(main IN LISTS bench_mains)
    cmake_path(GET main STEM name)
    gossamer_bench_program(${name} ${main} ${PROJECT_BINARY_DIR}/bench $<TARGET_OBJECTS:bench_workload>)
    add_dependencies(bench-build ${name})
    gossamer_bench_program(${name}_thresholds ${main} ${thresholds}/bench $<TARGET_OBJECTS:bench_workload>
        $<TARGET_OBJECTS:bench_thresholds>)
    add_dependencies(bench-thresholds ${name}_thresholds)
endforeach()
foreach(main IN LISTS lean_mains)
    cmake_path(GET main STEM name)
    gossamer_bench_program(${name} ${main} ${PROJECT_BINARY_DIR}/bench $<TARGET_OBJECTS:bench_lean>)
    target_compile_options(${name} PRIVATE ${lean_flags})
    add_dependencies(bench-build ${name})
endforeach()
