# SPDX-License-Identifier: Apache-2.0
# What every file of the project is compiled with.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(gossamer_flags INTERFACE)
# A compiler cache names the sources relative to the build folder, and takes a flag with a path for another compilation.
set(sources_as ${PROJECT_SOURCE_DIR}/)
if(CMAKE_C_COMPILER_LAUNCHER)
    file(RELATIVE_PATH sources_as ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
endif()
target_compile_definitions(gossamer_flags INTERFACE _GNU_SOURCE)
target_compile_options(gossamer_flags INTERFACE
    # No contraction and no reassociation: the same bits from every variant and compiler flag.
    -ffp-contract=off -fno-math-errno -fvisibility=hidden -pthread
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter
    # clang tells of every loop that it was asked to unroll and did not: a wish, and slower at worst.
    $<$<C_COMPILER_ID:Clang,AppleClang>:-Wno-pass-failed>
    # Failed checks and assertions name files as the repository does, wherever it lies.
    -fmacro-prefix-map=${sources_as}=
    $<$<BOOL:${GOSSAMER_WERROR}>:-Werror>)
target_link_options(gossamer_flags INTERFACE -pthread)
target_link_libraries(gossamer_flags INTERFACE m)
target_include_directories(gossamer_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
if(GOSSAMER_SANITIZE)
    include(CheckCSourceCompiles)
    string(MAKE_C_IDENTIFIER "gossamer_sanitizes_${GOSSAMER_SANITIZE}" sanitizes)
    set(CMAKE_REQUIRED_FLAGS -fsanitize=${GOSSAMER_SANITIZE})
    check_c_source_compiles("int main(void) { return 0; }" ${sanitizes})
    unset(CMAKE_REQUIRED_FLAGS)
    if(NOT ${sanitizes})
        message(FATAL_ERROR "GOSSAMER_SANITIZE=${GOSSAMER_SANITIZE}: ${CMAKE_C_COMPILER} builds no program with "
            "-fsanitize=${GOSSAMER_SANITIZE}; what it knows are lists such as address,undefined or thread")
    endif()
    target_compile_definitions(gossamer_flags INTERFACE GOSS_CHECKED=1)
    target_compile_options(gossamer_flags INTERFACE -fsanitize=${GOSSAMER_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(gossamer_flags INTERFACE -fsanitize=${GOSSAMER_SANITIZE})
endif()

# Programs in other languages that are part of the library, as headers env/NAME.h with a string goss__NAME.
function(gossamer_embed file name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(................................................................................)" "\\1\n"
        bytes "${bytes}")
    cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE shown)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/env/${name}.h CONTENT
        "/* SPDX-License-Identifier: Apache-2.0 */\n/* From ${shown}, by cmake/flags.cmake. */
static const char goss__${name}[] = {\n${bytes}0};\n" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()
gossamer_embed(${PROJECT_SOURCE_DIR}/src/env/atari.py atari_script)
target_include_directories(gossamer_flags INTERFACE ${PROJECT_BINARY_DIR}/generated)
