# The same version built otherwise: to replace it in the middle of use.
gpio-variants := rebuilt
gpio-rebuilt-cflags := -O1
gpio-lib := number
