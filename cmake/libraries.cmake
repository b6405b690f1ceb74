# SPDX-License-Identifier: Apache-2.0
# The optional libraries: a row is all that a further one needs (tools/install-deps reads them here, too).
# GOSSAMER_WITH_<name> is AUTO (used where it is found), ON (an error where it is not) or OFF. Every build folder gets a
# goss_config.h with GOSS_HAVE_<name> (0 or 1), GOSS_<name>_VERSION, GOSS_<name>_GET (what to do to have it, for
# errors), GOSS_LIBRARIES(ROW), which `gossamer doctor` prints, GOSS_LACKING, the packages of those that it is without,
# and GOSS_MISSING, those of them that were not switched off.
#
#   name | pkg-config module | Debian package | what it is for | header and library, where there is no module
set(GOSSAMER_LIBRARIES
    "JANSSON|jansson|libjansson-dev|model files, metrics"
    "XXHASH|libxxhash|libxxhash-dev|content hashes"
    "PNG|libpng|libpng-dev|PNG images"
    "JPEG|libjpeg|libjpeg-dev|JPEG images"
    "WEBP|libwebp|libwebp-dev|WebP images"
    "TIFF|libtiff-4>=4.5|libtiff-dev|TIFF images"
    "STB|stb|libstb-dev|BMP images"
    "ZIP|libzip|libzip-dev|images and tables in .zip files, .npz"
    "ZLIB|zlib|zlib1g-dev|idx files, gzipped"
    "FREETYPE|freetype2|libfreetype-dev|data glyphs"
    "CSV|libcsv|libcsv-dev|csv tables|csv.h csv"
    "SNDFILE|sndfile|libsndfile1-dev|sound files"
    "SAMPLERATE|samplerate|libsamplerate0-dev|sounds of other rates"
    "UTF8PROC|libutf8proc|libutf8proc-dev|texts that are not ASCII")

set(GOSSAMER_OPTIONAL AUTO CACHE STRING "What every GOSSAMER_WITH_<name> is that is not set: AUTO, ON or OFF")
find_package(PkgConfig QUIET)

# For a library that brings no pkg-config module: by its header, whose NAME_MAJOR, NAME_MINOR and NAME_RELEASE are the
# version. Sets what pkg_check_modules does.
function(gossamer_find_bare name header library)
    find_path(GOSSAMER_${name}_HEADER ${header})
    find_library(GOSSAMER_${name}_LIBRARY ${library})
    mark_as_advanced(GOSSAMER_${name}_HEADER GOSSAMER_${name}_LIBRARY)
    if(NOT GOSSAMER_${name}_HEADER OR NOT GOSSAMER_${name}_LIBRARY)
        set(${name}_FOUND FALSE PARENT_SCOPE)
        return()
    endif()
    file(STRINGS ${GOSSAMER_${name}_HEADER}/${header} numbers
        REGEX "^#define ${name}_(MAJOR|MINOR|RELEASE) +[0-9]+")
    list(TRANSFORM numbers REPLACE ".* ([0-9]+).*" "\\1")
    list(JOIN numbers "." version)
    set(${name}_FOUND TRUE PARENT_SCOPE)
    set(${name}_VERSION "${version}" PARENT_SCOPE)
    set(${name}_CFLAGS_OTHER "" PARENT_SCOPE)
    set(${name}_INCLUDE_DIRS ${GOSSAMER_${name}_HEADER} PARENT_SCOPE)
    set(${name}_LDFLAGS -l${library} PARENT_SCOPE)
endfunction()

# Whether a library was switched off: 1 or 0.
function(gossamer_is_off name out)
    set(wish ${GOSSAMER_WITH_${name}})
    if(NOT wish STREQUAL "AUTO" AND NOT wish)
        set(${out} 1 PARENT_SCOPE)
    else()
        set(${out} 0 PARENT_SCOPE)
    endif()
endfunction()

# Looks for one library: sets <name>_FOUND, <name>_VERSION, and flags where there is one.
function(gossamer_find name module package bare)
    set(GOSSAMER_WITH_${name} ${GOSSAMER_OPTIONAL} CACHE STRING "Use ${module}: AUTO, ON or OFF")
    set_property(CACHE GOSSAMER_WITH_${name} PROPERTY STRINGS AUTO ON OFF)
    set(wish ${GOSSAMER_WITH_${name}})
    string(TOUPPER "${wish}" wish)
    if(NOT wish MATCHES "^(AUTO|ON|OFF|YES|NO|TRUE|FALSE|Y|N|1|0)$")
        message(FATAL_ERROR "GOSSAMER_WITH_${name}=${GOSSAMER_WITH_${name}}: AUTO, ON or OFF")
    endif()
    gossamer_is_off(${name} unwanted)
    if(unwanted)
        set(${name}_FOUND FALSE PARENT_SCOPE)
        return()
    endif()
    if(bare)
        separate_arguments(bare)
        gossamer_find_bare(${name} ${bare})
    elseif(PKG_CONFIG_FOUND)
        pkg_check_modules(${name} QUIET ${module})
    endif()
    if(NOT ${name}_FOUND AND NOT wish STREQUAL "AUTO")
        message(FATAL_ERROR "GOSSAMER_WITH_${name}=${wish}, but ${module} is not found (Debian: ${package})")
    endif()
    foreach(folder IN LISTS CMAKE_C_IMPLICIT_LINK_DIRECTORIES) # the linker looks there anyway
        list(REMOVE_ITEM ${name}_LDFLAGS -L${folder})
    endforeach()
    foreach(part FOUND VERSION CFLAGS_OTHER INCLUDE_DIRS LDFLAGS)
        set(${name}_${part} "${${name}_${part}}" PARENT_SCOPE)
    endforeach()
endfunction()

# Writes goss_config.h into `folder` for a build with all libraries that were found but those named after it, and makes
# `target`, which carries the header and their flags.
function(gossamer_configure folder target)
    set(text "/* Written by CMake (cmake/libraries.cmake): the libraries of this build. */\n")
    string(APPEND text "#ifndef GOSS_CONFIG_H\n#define GOSS_CONFIG_H\n#define GOSS_VERSION \"${PROJECT_VERSION}\"\n")
    set(rows "")
    set(lacking "")
    set(missing "")
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${folder})
    foreach(row IN LISTS GOSSAMER_LIBRARIES)
        string(REPLACE "|" ";" row "${row}")
        list(GET row 0 name)
        list(GET row 1 module)
        list(GET row 2 package)
        list(GET row 3 use)
        if(${name}_FOUND AND NOT name IN_LIST ARGN)
            set(have 1)
            set(unwanted 0)
            set(version "${${name}_VERSION}")
            target_compile_options(${target} INTERFACE ${${name}_CFLAGS_OTHER})
            target_include_directories(${target} SYSTEM INTERFACE ${${name}_INCLUDE_DIRS})
            target_link_libraries(${target} INTERFACE ${${name}_LDFLAGS})
        else()
            set(have 0)
            set(version none)
            string(APPEND lacking "${package} ")
            gossamer_is_off(${name} unwanted)
            if(NOT unwanted)
                string(APPEND missing "${package} ")
            endif()
        endif()
        set(get "install ${package} and rebuild")
        if(unwanted)
            set(get "it was configured with GOSSAMER_WITH_${name}=OFF: set ON, with ${package}, and rebuild")
        endif()
        string(APPEND text "#define GOSS_HAVE_${name} ${have}\n#define GOSS_${name}_VERSION \"${version}\"\n")
        string(APPEND text "#define GOSS_${name}_GET \"${get}\"\n")
        string(REGEX REPLACE "[<>=].*" "" module "${module}") # without the version asked for
        string(APPEND rows " \\\n    ROW(\"${module}\", GOSS_${name}_VERSION, GOSS_HAVE_${name}, ${unwanted}, "
            "\"${use}\")")
    endforeach()
    string(APPEND text "#define GOSS_LACKING \"${lacking}\"\n#define GOSS_MISSING \"${missing}\"\n")
    string(APPEND text "#define GOSS_LIBRARIES(ROW)${rows}\n#endif\n")
    file(CONFIGURE OUTPUT ${folder}/goss_config.h CONTENT "${text}" @ONLY) # an unchanged header keeps its time stamp
endfunction()

set(GOSSAMER_ALL_NAMES "")
set(missing "")
set(packages "")
foreach(row IN LISTS GOSSAMER_LIBRARIES)
    string(REPLACE "|" ";" row "${row}")
    list(GET row 0 name)
    list(GET row 1 module)
    list(GET row 2 package)
    list(APPEND row "") # a row without a fifth part
    list(GET row 4 bare)
    list(APPEND GOSSAMER_ALL_NAMES ${name})
    gossamer_find(${name} ${module} ${package} "${bare}")
    if(NOT ${name}_FOUND AND GOSSAMER_WITH_${name} MATCHES "^[Aa][Uu][Tt][Oo]$")
        string(APPEND missing " ${module}")
        string(APPEND packages " ${package}")
    endif()
endforeach()
if(missing)
    if(NOT PKG_CONFIG_FOUND)
        set(packages " pkg-config${packages}")
    endif()
    message(STATUS "Not found:${missing}. Building without. To have them: make deps, or: apt-get install${packages}")
endif()
gossamer_configure(${PROJECT_BINARY_DIR} gossamer_libraries)

# Packages that are installed or removed touch one of these folders: then it is looked again.
file(GLOB gossamer_pc_folders /usr/lib/pkgconfig /usr/lib/*/pkgconfig /usr/share/pkgconfig /usr/local/lib/pkgconfig)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${gossamer_pc_folders})
