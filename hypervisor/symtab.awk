# From "nm -n": the code symbols, as lib/symbols.c wants them.
BEGIN {
    print ".section .symbols, \"a\""
    print ".globl symbol_nr, symbol_low, symbol_names"
    print ".balign 8"
    print "symbol_low:"
}
$2 ~ /^[tT]$/ && $3 !~ /_(start|end)$/ {
    print "    .long 0x" substr($1, length($1) - 7)
    names[n++] = $3
}
END {
    print "symbol_nr: .long " n + 0
    print "symbol_names:"
    for (i = 0; i < n; i++)
        print "    .asciz \"" names[i] "\""
}
