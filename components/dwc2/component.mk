# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
dwc2-variants := rebuilt
dwc2-rebuilt-cflags := -O1
