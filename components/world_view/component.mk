# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
world_view-variants := rebuilt
world_view-rebuilt-cflags := -O1
world_view-lib := font font_art
