# tests/lint/text.awk - rules that a line of code shows by itself.
#
#   awk -f text.awk LAYERS exempt.txt file...
#
#   layer      an #include of a layer that LAYERS does not allow
#   library    an #include of a library outside the layer that owns it
#   spdx       the first line is not the licence line
#   length     more than 500 lines       function   more than 60 lines
#   forbidden  strcpy and its kin        typedef    a struct with two names
#   default    a switch over an enum with a default in proxy/core, proxy/wire or
#              testbed/sim: the compiler should find the next case
#   note       work left for later       blank      a tab, or a blank at the end
#
# Strings and comments are taken out before a line is judged, except where the
# rule is about them.

BEGIN {
    LINES_MAX = 500
    FUNCTION_LINES_MAX = 60
    split("strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atof gets alloca", names, " ")
    for (i in names)
        forbidden[names[i]] = 1
    # What stands behind an opening quotation mark, up to the mark that closes.
    rest_of["\""] = "^([^\"\\\\]|\\\\.)*\""
    rest_of["'"] = "^([^'\\\\]|\\\\.)*'"
    # The layers that may know a library; the others ask them.
    owner["yaml.h"] = " config/yaml "
    owner["re2/re2.h"] = " base "
    owner["nghttp2/nghttp2.h"] = " proxy/http "
    for (i = split("ssl err pem x509v3 x509 bio evp ec core_names param_build", names, " "); i > 0; i--)
        owner["openssl/" names[i] ".h"] = " proxy/live proxy/crypto testbed/world "
    owner["openssl/bn.h"] = " proxy/crypto testbed/world "
    for (i = split("hmac rsa", names, " "); i > 0; i--)
        owner["openssl/" names[i] ".h"] = " proxy/crypto "
    owner["uv.h"] = " proxy/live testbed/sockets "
}

function complain(path, line, rule, text) {
    if ((path, rule) in exempt) {
        used[path, rule] = 1
        return
    }
    printf "%s:%d: %s: %s\n", path, line, rule, text
}

# The longest layer that begins the path; "" when there is none.
function layer_of(path) {
    while (sub(/\/[^\/]*$/, "", path))
        if (path in is_layer)
            return path
    return ""
}

function check_include(path,    in_tests, from, to) {
    in_tests = file ~ /^tests\//
    from = layer_of(in_tests ? substr(file, 7) : file)
    if (path ~ /^tests\//) {
        if (!in_tests)
            complain(file, FNR, "layer", "only tests include " path)
        return
    }
    to = layer_of(path)
    if (to == "")
        complain(file, FNR, "layer", "\"" path "\" is in no layer; includes begin at the root")
    else if (from == "" && !in_tests)
        complain(file, FNR, "layer", "this folder is not in LAYERS")
    else if (from != "" && from != to && !((from, to) in allowed))
        complain(file, FNR, "layer", from " may not include " path)
}

function check_library(path) {
    if (path in owner && !index(owner[path], " " layer_of(file) " ") && file !~ /^tests\//)
        complain(file, FNR, "library", "<" path "> belongs to" owner[path])
}

# The line without comments and without what is inside quotation marks.
function code_of(line,    out, at, mark) {
    out = ""
    while (1) {
        if (in_comment) {
            at = index(line, "*/")
            if (at == 0)
                return out
            line = substr(line, at + 2)
            in_comment = 0
        }
        if (!match(line, /"|'|\/\*|\/\//))
            return out line
        mark = substr(line, RSTART, RLENGTH)
        out = out substr(line, 1, RSTART - 1)
        line = substr(line, RSTART + RLENGTH)
        if (mark == "//")
            return out
        if (mark == "/*") {
            in_comment = 1
            continue
        }
        out = out mark mark
        if (match(line, rest_of[mark]))
            line = substr(line, RLENGTH + 1)
    }
}

# A function's body stands between a { and a } in the first column.
function check_function(line) {
    if (line ~ /^\{/)
        body_from = FNR
    if (line !~ /^\}/ || body_from == 0)
        return
    if (FNR - body_from - 1 > FUNCTION_LINES_MAX)
        complain(file, body_from, "function", FNR - body_from - 1 " lines; " FUNCTION_LINES_MAX " are the most")
    body_from = 0
}

function check_code(line,    word, rest) {
    rest = line
    while (match(rest, /[A-Za-z_][A-Za-z_0-9]*[ ]*\(/)) {
        word = substr(rest, RSTART, RLENGTH - 1)
        sub(/ +$/, "", word)
        if (word in forbidden)
            complain(file, FNR, "forbidden", word " does not build here; see base/str.h")
        rest = substr(rest, RSTART + RLENGTH)
    }
    if (line ~ /^[ ]*typedef[ ]+(struct|union|enum)/)
        complain(file, FNR, "typedef", "a struct has one name, and says that it is a struct")
    # Numbers and characters have no list to be complete in; enums have.
    if (line ~ /(^|[^A-Za-z_0-9])switch[ ]*\(/)
        is_over_enum = 1
    if (match(line, /(^|[^A-Za-z_0-9])case[ ]+/))
        is_over_enum = substr(line, RSTART + RLENGTH) ~ /^[A-Z]/
    if (line ~ /(^|[^A-Za-z_0-9])default[ ]*:/ && is_over_enum && file ~ /^(proxy\/(core|wire)|testbed\/sim)\//)
        complain(file, FNR, "default", "name every case, so that the compiler finds the next one")
}

function finish_file() {
    if (file != "" && line_count > LINES_MAX)
        complain(file, line_count, "length", line_count " lines; " LINES_MAX " are the most, split it by noun")
}

FILENAME == "LAYERS" {
    if ($0 !~ /^[a-z].*:/)
        next
    split($0, sides, ":")
    is_layer[sides[1]] = 1
    count = split(sides[2], names, " ")
    for (i = 1; i <= count; i++)
        allowed[sides[1], names[i]] = 1
    next
}

FILENAME ~ /exempt\.txt$/ {
    if ($0 ~ /^(#|$)/)
        next
    if (NF < 3)
        printf "%s:%d: lint: an exemption is a path, a rule and a reason\n", FILENAME, FNR
    exempt[$1, $2] = FNR
    exempt_file = FILENAME
    next
}

FNR == 1 {
    finish_file()
    file = FILENAME
    in_comment = 0
    body_from = 0
    if ($0 !~ /SPDX-License-Identifier: Apache-2\.0/)
        complain(file, 1, "spdx", "the first line says the licence: /* SPDX-License-Identifier: Apache-2.0")
}

{
    line_count = FNR
    if ($0 ~ /\t|[ ]$/)
        complain(file, FNR, "blank", "a tab, or a blank at the end of the line")
    if ($0 ~ /(^|[^A-Za-z])(TODO|FIXME|XXX|HACK)([^A-Za-z]|$)/)
        complain(file, FNR, "note", "work left for later does not stay on main")
    if (!in_comment && match($0, /^#[ ]*include[ ]*"[^"]*"/)) {
        path = $0
        sub(/^[^"]*"/, "", path)
        sub(/".*/, "", path)
        check_include(path)
    } else if (!in_comment && match($0, /^#[ ]*include[ ]*<[^>]*>/)) {
        path = $0
        sub(/^[^<]*</, "", path)
        sub(/>.*/, "", path)
        check_library(path)
    }
    code = code_of($0)
    check_code(code)
    check_function(code)
}

END {
    finish_file()
    for (key in exempt) {
        split(key, parts, SUBSEP)
        is_text_rule = parts[2] !~ /^(alone|symbol|arrow|format)$/
        if (is_text_rule && !(key in used))
            printf "%s:%d: lint: %s keeps the rule \"%s\" now; take the line away\n", exempt_file, exempt[key], parts[1], parts[2]
    }
}
