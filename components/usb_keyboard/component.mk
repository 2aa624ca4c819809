# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
usb_keyboard-variants := rebuilt
usb_keyboard-rebuilt-cflags := -O1
