trace-lib := number
# The same version built otherwise: to replace it while it records.
trace-variants := rebuilt
trace-rebuilt-cflags := -O1
