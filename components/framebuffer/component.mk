# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
framebuffer-variants := rebuilt
framebuffer-rebuilt-cflags := -O1
