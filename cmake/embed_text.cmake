# SPDX-License-Identifier: Apache-2.0
# Writes text files as C++ strings: cmake -DOUTPUT=x.cpp -DNAMESPACE=ns -DFILES="a.cuh;b.cuh" -P ...
# Each string is named like its file without the extension. Lines with #pragma once are left out.
set(text "// Generated from the files of device/.\n#include \"backend/cuda/emit/device_text.h\"\n")
string(APPEND text "namespace ${NAMESPACE} {\n")
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} content)
    string(REPLACE "#pragma once\n" "" content "${content}")
    string(APPEND text "const char* const ${name} = R\"device_text(${content})device_text\";\n")
endforeach()
string(APPEND text "}  // namespace ${NAMESPACE}\n")
file(WRITE ${OUTPUT} "${text}")
