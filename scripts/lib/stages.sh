# shellcheck shell=bash
# The stages of scripts/test. Each counts with pass, fail and skip; what a
# program says goes to build/test/NAME.log and is shown when it fails.

logs=$top/build/test
export strict=1
passed=0
failed=0
skipped=0
failures=()

# How much of each thing a tier asks for.
set_tier() {
    if [ "$1" = full ]; then
        seeds=10000 fuzz_seconds=600 ROUNDS=${ROUNDS:-200}
    else
        seeds=200 fuzz_seconds=10 ROUNDS=${ROUNDS:-50}
    fi
    seeds=${SEEDS:-$seeds}
    fuzz_seconds=${FUZZ_SECONDS:-$fuzz_seconds}
    export seeds fuzz_seconds ROUNDS
}

pass() { # NAME [COUNT]
    passed=$((passed + ${2:-1}))
}

fail() { # NAME [COUNT]
    failed=$((failed + ${2:-1}))
    failures+=("$1")
    printf 'FAILED %s\n' "$1"
}

show_log() {
    sed 's/^/    /' "$1" | tail -n "${2:-40}"
}

# attempt NAME COMMAND...: one test, which passes if the command exits 0.
attempt() {
    local name=$1 log start=$SECONDS
    log=$logs/${name//[ \/]/_}.log
    shift
    if "$@" >"$log" 2>&1; then
        pass "$name"
        printf 'ok     %s (%d s)\n' "$name" $((SECONDS - start))
        return 0
    fi
    fail "$name"
    show_log "$log"
    return 1
}

# Build a preset once per run.
declare -A built
need_build() {
    [ -n "${built[$1]:-}" ] && return "${built[$1]}"
    attempt "build $1" build "$1"
    built[$1]=$?
    return "${built[$1]}"
}

stage_setup() {
    attempt setup "$top/scripts/setup"
}

stage_build() {
    need_build dev
}

stage_check() {
    local name
    configure dev >/dev/null
    for name in $("$top/scripts/check" --list); do
        attempt "check $name" "$top/scripts/check" --only "$name"
    done
    attempt 'check self-test' "$top/scripts/check" --self-test
}

# run_ctest PRESET NAME ARG...: every check of every test program counts.
run_ctest() {
    local preset=$1 name=$2 line verdict count
    shift 2
    need_build "$preset" || true
    rm -f "$logs/$name.xml"
    ctest --test-dir "$top/build/$preset" -j 2 --output-on-failure \
        --no-tests=error --output-junit "$logs/$name.xml" \
        --test-output-size-passed 65536 "$@" >"$logs/$name.log" 2>&1 ||
        show_log "$logs/$name.log" 80
    while read -r verdict count line; do
        "$verdict" "$name: $line" "$count"
    done < <("$top/scripts/lib/count_tests.py" "$logs/$name.xml")
}

stage_unit() {
    run_ctest dev unit -L unit
}

stage_contract() {
    run_ctest dev contract -L contract
}

stage_release() {
    local program
    need_build release || return
    for program in confabd confab; do
        attempt "hardened $program" "$top/scripts/lib/hardened" \
            "$top/build/release/bin/$program"
    done
    attempt install "$top/scripts/lib/check-install" "$top/build/release"
}

same_hash() { # two runs of one seed say the same
    local sim=$1 first second
    first=$("$sim" --seed 7) || return 1
    second=$("$sim" --seed 7) || return 1
    printf '%s\n--\n%s\n' "$first" "$second"
    [ -n "$first" ] && [ "$first" = "$second" ]
}

stage_sim() {
    need_build release || true
    attempt "sim $seeds seeds" \
        "$top/build/release/bin/confab-sim" --seeds "$seeds"
    attempt 'sim same seed, same hash' \
        same_hash "$top/build/release/bin/confab-sim"
    need_build dev || true
    attempt 'sim 10 seeds, sanitized' \
        "$top/build/dev/bin/confab-sim" --seeds 10
}

# One line a sabotage: "NAME: convicted by I6 with seed 1: ...".
stage_breaks() {
    local sim=$top/build/release/bin/confab-sim name rest count=0
    need_build release || true
    "$sim" --breaks >"$logs/breaks.log" 2>&1 ||
        fail 'sim --breaks ended with an error'
    while IFS=: read -r name rest; do
        case "$rest" in
        ' convicted by '*) pass "sim --break $name" && count=$((count + 1)) ;;
        *'not noticed'*) fail "sim --break $name" ;;
        esac
    done <"$logs/breaks.log"
    printf 'ok     %d sabotaged servers convicted\n' "$count"
    [ "$count" -ge 10 ] || fail 'fewer than 10 breaks were convicted'
}

stage_model() {
    attempt model "$top/tests/model/run"
}

fuzz_one() { # TARGET: known inputs first, new ones kept in build/
    local target=$1 name=${1##*/} seeds_dir
    seeds_dir=$top/tests/fuzz/corpus/$name
    mkdir -p "$top/build/fuzz/corpus/$name" "$top/build/fuzz/found"
    set -- "$top/build/fuzz/corpus/$name"
    [ -d "$seeds_dir" ] && set -- "$@" "$seeds_dir"
    "$target" -max_total_time="$fuzz_seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$top/build/fuzz/found/$name-" "$@"
}

stage_fuzz() {
    local target
    need_build fuzz || return
    for target in "$top"/build/fuzz/bin/fuzz_*; do
        if [ -x "$target" ]; then
            attempt "${target##*/}" fuzz_one "$target"
        fi
    done
}

# e2e_one FILE: 0 passed, 77 skipped, else failed; one line to the results.
e2e_one() {
    local name=${1##*/} start=$SECONDS code=0
    BIN=$top/build/dev/bin timeout -k 10 900 "$1" \
        >"$logs/e2e_$name.log" 2>&1 </dev/null || code=$?
    printf '%d %s %d\n' "$code" "$name" $((SECONDS - start)) \
        >>"$logs/e2e.results"
}

stage_e2e() {
    local code name seconds
    need_build dev || true
    : >"$logs/e2e.results"
    export -f e2e_one
    export logs top
    # shellcheck disable=SC2016 # for the inner shell
    find "$top/e2e/tests.d" -maxdepth 1 -type f -perm -u+x -print0 | sort -z |
        xargs -0 -r -n 1 -P "${E2E_JOBS:-2}" bash -c 'e2e_one "$1"' -
    while read -r code name seconds; do
        case "$code" in
        0) pass "$name" && printf 'ok     e2e %s (%d s)\n' "$name" "$seconds" ;;
        77) skipped=$((skipped + 1)) && printf 'skip   e2e %s\n' "$name" ;;
        *)
            fail "e2e $name: exit $code after $seconds s"
            show_log "$logs/e2e_$name.log"
            ;;
        esac
    done <"$logs/e2e.results"
}

stage_tsan() {
    need_build tsan || return
    # The sanitizer's shadow needs addresses that are not randomised widely.
    setarch -R true 2>/dev/null && local alone=(setarch -R)
    TSAN_OPTIONS=halt_on_error=1 run_under "${alone[@]:-env}"
}

run_under() {
    local program
    for program in "$top"/build/tsan/bin/test_*; do
        if [ -x "$program" ]; then
            attempt "tsan ${program##*/}" "$@" timeout 600 "$program"
        fi
    done
}

stage_valgrind() {
    local program
    need_build release || return
    for program in "$top"/build/release/bin/test_*; do
        if [ -x "$program" ]; then
            CK_FORK=no attempt "valgrind ${program##*/}" timeout 900 \
                valgrind -q --error-exitcode=99 --leak-check=full \
                --errors-for-leak-kinds=definite "$program"
        fi
    done
}

stage_coverage() {
    local part
    run_ctest coverage coverage -L 'unit|contract'
    attempt 'sim 20 seeds, coverage' \
        "$top/build/coverage/bin/confab-sim" --seeds 20
    for part in server/core lib/proto server/store; do
        attempt "coverage $part" gcovr --root "$top" --filter "$part/" \
            --exclude-throw-branches --fail-under-line 90 \
            "$top/build/coverage"
        tail -n 3 "$logs/coverage_${part//\//_}.log"
    done
}
