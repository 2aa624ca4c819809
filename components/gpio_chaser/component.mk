# The same version built otherwise: to replace it in the middle of use.
gpio_chaser-variants := rebuilt
gpio_chaser-rebuilt-cflags := -O1
gpio_chaser-lib := number
