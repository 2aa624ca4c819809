# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
console-variants := rebuilt
console-rebuilt-cflags := -O1
console-lib := line_editor output dialogue
