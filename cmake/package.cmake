# SPDX-License-Identifier: Apache-2.0
# flexion: the library that users link, and its installation. One shared object from all layers;
# whatever they use is inside and hidden, so that users need the headers and this file alone.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# As objects: the layers that define public functions, to which nothing inside need refer.
add_library(flexion SHARED
    $<TARGET_OBJECTS:flexion_support> $<TARGET_OBJECTS:flexion_ir>
    $<TARGET_OBJECTS:flexion_mask> $<TARGET_OBJECTS:flexion_api>)
add_library(flexion::flexion ALIAS flexion)
set_target_properties(flexion PROPERTIES
    LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_link_libraries(flexion PRIVATE flexion_api flexion_options)
target_include_directories(flexion INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(flexion INTERFACE cxx_std_20)
# The archives of other projects have default visibility: only names of flexion leave.
set(exports ${PROJECT_SOURCE_DIR}/cmake/exports.map)
target_link_options(flexion PRIVATE -Wl,--version-script=${exports})
target_link_options(flexion PRIVATE -Wl,-z,defs)
set_property(TARGET flexion PROPERTY LINK_DEPENDS ${exports})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/flexion)
configure_package_config_file(cmake/flexionConfig.cmake.in flexionConfig.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(flexionConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# Relative to the file itself, so that the installed folder may be moved.
file(RELATIVE_PATH prefix_from_pc
    /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/flexion.pc.in flexion.pc @ONLY)

install(TARGETS flexion EXPORT flexion COMPONENT flexion)
install(DIRECTORY include/flexion DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT flexion)
# For users of c.h whose machine has no DLPack.
find_path(FLEXION_DLPACK_DIR dlpack/dlpack.h REQUIRED)
mark_as_advanced(FLEXION_DLPACK_DIR)
install(FILES ${FLEXION_DLPACK_DIR}/dlpack/dlpack.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/flexion
    COMPONENT flexion)
install(EXPORT flexion NAMESPACE flexion:: FILE flexionTargets.cmake DESTINATION ${package_dir}
    COMPONENT flexion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/flexionConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/flexionConfigVersion.cmake
    DESTINATION ${package_dir} COMPONENT flexion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/flexion.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT flexion)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/flexion COMPONENT flexion)
