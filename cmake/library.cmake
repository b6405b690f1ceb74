# SPDX-License-Identifier: Apache-2.0
# libgossamer from object libraries: the kernels once an instruction set, the core floors, and the floors that may use
# optional libraries. The core never sees goss_config.h (tools/check-floors), so that builds without a library
# (cmake/tests.cmake) share its objects.
set(core base kernel graph ops rewrite autodiff ir schedule runtime nn space hyper share reg)
file(GLOB all_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.c)
file(GLOB kernel_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernel/isa/*.c)
file(GLOB GOSSAMER_COMMAND_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
set(core_sources ${all_sources})
list(JOIN core | core_floors)
list(FILTER core_sources INCLUDE REGEX "/src/(${core_floors})/[^/]*$")
set(GOSSAMER_UPPER_SOURCES ${all_sources})
list(REMOVE_ITEM GOSSAMER_UPPER_SOURCES ${core_sources})

function(gossamer_object_library name)
    add_library(${name} OBJECT ${ARGN})
    target_link_libraries(${name} PRIVATE gossamer_flags)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

gossamer_object_library(gossamer_core ${core_sources})
gossamer_object_library(gossamer_upper ${GOSSAMER_UPPER_SOURCES})
target_link_libraries(gossamer_upper PRIVATE gossamer_libraries)
set(GOSSAMER_CORE_OBJECTS $<TARGET_OBJECTS:gossamer_core>)

# Each file of src/kernel/isa/ is compiled once a variant; GOSS_ISA names it and suffixes its symbols.
set(flags_generic "")
set(flags_avx2 -mavx2 -mfma)
set(flags_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mavx2 -mfma -mprefer-vector-width=512)
set(flags_neon "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(variants generic avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(variants generic neon)
else()
    set(variants generic)
endif()
if(NOT GOSSAMER_KERNEL_OPTIMIZE STREQUAL "")
    set(gossamer_optimize_kernels "${GOSSAMER_KERNEL_OPTIMIZE}")
endif()
separate_arguments(kernel_optimize UNIX_COMMAND "${gossamer_optimize_kernels}")
foreach(isa IN LISTS variants)
    gossamer_object_library(gossamer_kernel_${isa} ${kernel_sources})
    target_compile_options(gossamer_kernel_${isa} PRIVATE ${kernel_optimize} ${flags_${isa}})
    target_compile_definitions(gossamer_kernel_${isa} PRIVATE GOSS_ISA=${isa} GOSS_ISA_${isa}=1)
    list(APPEND GOSSAMER_CORE_OBJECTS $<TARGET_OBJECTS:gossamer_kernel_${isa}>)
endforeach()

# What users of either library see.
function(gossamer_public target)
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME gossamer)
endfunction()

add_library(gossamer_static STATIC ${GOSSAMER_CORE_OBJECTS} $<TARGET_OBJECTS:gossamer_upper>)
gossamer_public(gossamer_static)
add_library(gossamer::static ALIAS gossamer_static)
foreach(name IN LISTS GOSSAMER_ALL_NAMES)
    if(${name}_FOUND)
        list(APPEND library_flags ${${name}_LDFLAGS})
    endif()
endforeach()
if(GOSSAMER_SANITIZE)
    list(APPEND library_flags -fsanitize=${GOSSAMER_SANITIZE})
endif()
list(APPEND library_flags -pthread -lm)
target_link_libraries(gossamer_static PRIVATE ${library_flags})

# Programs bind to the SONAME: while the major version is 0, the interface may change with every minor one.
if(GOSSAMER_SHARED)
    if(PROJECT_VERSION_MAJOR EQUAL 0)
        set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    else()
        set(soversion ${PROJECT_VERSION_MAJOR})
    endif()
    add_library(gossamer_shared SHARED ${GOSSAMER_CORE_OBJECTS} $<TARGET_OBJECTS:gossamer_upper>)
    gossamer_public(gossamer_shared)
    add_library(gossamer::gossamer ALIAS gossamer_shared)
    target_link_libraries(gossamer_shared PRIVATE ${library_flags})
    set(map ${PROJECT_SOURCE_DIR}/cmake/gossamer.map)
    target_link_options(gossamer_shared PRIVATE -Wl,--version-script=${map})
    set_target_properties(gossamer_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${soversion}
        LINK_DEPENDS ${map}
        LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/shared) # -Lbuild -lgossamer finds the static one
else()
    add_library(gossamer::gossamer ALIAS gossamer_static)
endif()
