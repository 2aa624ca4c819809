# The same version built otherwise: to replace it in the middle of use.
pwm-variants := rebuilt
pwm-rebuilt-cflags := -O1
pwm-lib := number
