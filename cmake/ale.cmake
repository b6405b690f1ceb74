# SPDX-License-Identifier: Apache-2.0
# gossamer-ale: Atari games by an installed Arcade Learning Environment (its CMake package: -Dale_DIR=FOLDER where CMake
# does not find it). The library is C++ under the GPL, so that this is a program of its own, and the only C++ here. It
# is built where both library and compiler are. GOSSAMER_WITH_ALE: AUTO, ON (an error where they are not) or OFF.
if(GOSSAMER_OPTIONAL)
    set(wish AUTO)
else()
    set(wish OFF)
endif()
set(GOSSAMER_WITH_ALE ${wish} CACHE STRING "Build gossamer-ale: AUTO, ON or OFF")
set_property(CACHE GOSSAMER_WITH_ALE PROPERTY STRINGS AUTO ON OFF)
gossamer_is_off(ALE unwanted)
if(unwanted)
    return()
endif()
# Who asked for it is told why there is none. A folder that holds no package is replaced by NOTFOUND in ale_DIR.
if(ale_DIR)
    set(asked_for ale_DIR=${ale_DIR})
elseif(NOT GOSSAMER_WITH_ALE STREQUAL "AUTO")
    set(asked_for GOSSAMER_WITH_ALE=${GOSSAMER_WITH_ALE})
else()
    set(asked_for "")
endif()
macro(gossamer_without_ale what) # ARGN: the remedy. Ends this file
    string(CONCAT remedy ${ARGN})
    if(asked_for)
        message(FATAL_ERROR "${asked_for}, but there is no ${what}. ${remedy}")
    elseif(ale_FOUND)
        message(STATUS "Not found: ${what}. ${remedy}")
    endif()
    return()
endmacro()

find_package(ale CONFIG QUIET)
if(NOT ale_FOUND)
    gossamer_without_ale("CMake package ale" "ale_DIR is the folder of its ale-config.cmake, PREFIX/lib/cmake/ale")
endif()
include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER)
    gossamer_without_ale("C++ compiler for gossamer-ale" "To have it: apt-get install g++")
endif()
enable_language(CXX)

# Of an installation the target has PREFIX/include/ale, while headers name each other from PREFIX/include.
get_target_property(folders ale::ale-lib INTERFACE_INCLUDE_DIRECTORIES)
list(TRANSFORM folders APPEND /..)
set_property(TARGET ale::ale-lib APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES ${folders})
include(CheckCXXSourceCompiles)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_REQUIRED_LIBRARIES ale::ale-lib)
unset(GOSSAMER_ALE_LINKS CACHE) # it may be another library than last time
check_cxx_source_compiles("#include <ale/ale_interface.hpp>
int main() { return ale::ALEInterface().getAvailableModes().empty(); }" GOSSAMER_ALE_LINKS)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT GOSSAMER_ALE_LINKS)
    gossamer_without_ale("library in ${ale_DIR} that ${CMAKE_CXX_COMPILER} can link"
        "A static one is for the compiler that built it alone (CXX=...), unless it was built with "
        "CMAKE_BUILD_TYPE=RelWithDebInfo: it holds intermediate code. CMakeFiles/CMakeError.log says more")
endif()

add_executable(gossamer_ale ${PROJECT_SOURCE_DIR}/src/env/atari_ale.cpp)
target_compile_definitions(gossamer_ale PRIVATE GOSSAMER_ALE_VERSION="${ale_VERSION}")
target_link_libraries(gossamer_ale PRIVATE ale::ale-lib)
set_target_properties(gossamer_ale PROPERTIES OUTPUT_NAME gossamer-ale INSTALL_RPATH_USE_LINK_PATH ON)
add_dependencies(products gossamer_ale)
install(TARGETS gossamer_ale)
message(STATUS "Found ale ${ale_VERSION}: gossamer-ale is built")
