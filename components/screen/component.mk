# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
screen-variants := rebuilt
screen-rebuilt-cflags := -O1
# Output is only on its way from a dialogue to the cells, and there are no frames.
screen-cflags := -DOUTPUT_TEXT_BYTES=4096u -DOUTPUT_FRAME_BYTES=2u
screen-lib := line_editor output dialogue font font_art
