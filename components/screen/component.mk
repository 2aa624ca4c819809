# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
screen-variants := rebuilt
screen-rebuilt-cflags := -O1
screen-lib := line_editor output dialogue font font_art
