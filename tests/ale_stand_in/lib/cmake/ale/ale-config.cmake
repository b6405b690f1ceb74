# SPDX-License-Identifier: Apache-2.0
# The package of the stand-in, as an installation has it: the folder of its target lies below the one from which headers
# are included.
set(ale_VERSION 0.0)
cmake_path(SET ale_PREFIX NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../../..")
add_library(ale::ale-lib INTERFACE IMPORTED)
set_target_properties(ale::ale-lib PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${ale_PREFIX}/include/ale")
