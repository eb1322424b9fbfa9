# tests/lint/symbols.awk - what the pure archives want from outside.
#
#   awk -f symbols.awk LAYERS symbols.txt wanted-and-defined
#
# The last file has lines "D layer object symbol" and "U layer object symbol".
# A wanted symbol is good when the same layer or one that LAYERS allows defines
# it; or when symbols.txt allows it for the layer. Layers that symbols.txt does
# not name may want anything from outside, but nothing from above.

function complain(rule, text) {
    printf "%s/%s: %s: %s\n", $2, source_of($3), rule, text
}

# An object has lost its lines; the file and its first line stand for it.
function source_of(object) {
    sub(/\.o$/, object in is_cxx ? ".cc:1" : ".c:1", object)
    return object
}

# A pattern is a name, or the beginning of names and a star.
function matches(symbol, pattern) {
    if (pattern ~ /\*$/)
        return substr(symbol, 1, length(pattern) - 1) == substr(pattern, 1, length(pattern) - 1)
    return symbol == pattern
}

function is_allowed(layer, object, symbol,    i) {
    for (i = 1; i <= rule_count; i++) {
        if (rule_place[i] != "*" && rule_place[i] != layer && rule_place[i] != layer "/" object)
            continue
        if (matches(symbol, rule_symbol[i]))
            return 1
    }
    return 0
}

BEGIN {
    is_cxx["regex.o"] = 1
}

FILENAME == "LAYERS" {
    if ($0 !~ /^[a-z].*:/)
        next
    split($0, sides, ":")
    may[sides[1], sides[1]] = 1
    count = split(sides[2], names, " ")
    for (i = 1; i <= count; i++)
        may[sides[1], names[i]] = 1
    next
}

FILENAME ~ /symbols\.txt$/ {
    sub(/#.*/, "")
    if (NF == 0)
        next
    if ($1 == "pure") {
        for (i = 2; i <= NF; i++)
            is_pure[$i] = 1
        next
    }
    place = $1
    sub(/:$/, "", place)
    for (i = 2; i <= NF; i++) {
        rule_place[++rule_count] = place
        rule_symbol[rule_count] = $i
    }
    next
}

$1 == "D" {
    # A symbol has one home, except for what C++ defines wherever it is used.
    if ($4 !~ /^_Z/)
        home[$4] = $2
    defined[$2, $4] = 1
    next
}

{ wants[++want_count] = $0 }

END {
    for (n = 1; n <= want_count; n++) {
        $0 = wants[n]
        if (($2, $4) in defined)
            continue
        if ($4 in home) {
            if (!(($2, home[$4]) in may))
                complain("arrow", $4 " is defined in " home[$4] ", which LAYERS does not allow")
            continue
        }
        if ($2 in is_pure && !is_allowed($2, $3, $4))
            complain("symbol", "wants " $4 ", which tests/lint/symbols.txt does not allow here")
    }
}
