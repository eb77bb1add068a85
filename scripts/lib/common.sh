# shellcheck shell=bash
# Sourced by the scripts: where things are, and how results are told.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export top

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# cmake --preset NAME, by ccache when it is there. Output only on failure.
# With strict=1, a warning of the compiler ends the build.
configure() {
    local args=(--preset "$1") log
    command -v ccache >/dev/null &&
        args+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    args+=(-DCMAKE_COMPILE_WARNING_AS_ERROR="${strict:-0}")
    log=$(cd "$top" && cmake "${args[@]}" 2>&1) || {
        printf '%s\n' "$log"
        return 1
    }
}

build() {
    configure "$1" && cmake --build "$top/build/$1" -- -k 0
}

# The files of the project that match the patterns, NUL separated: tracked
# ones and new ones that are not ignored.
project_files() {
    (
        cd "$top" || exit 1
        if git rev-parse --git-dir >/dev/null 2>&1; then
            git ls-files -z -co --exclude-standard -- "$@"
        else
            local names=() pattern
            for pattern in "$@"; do
                names+=(-o -path "./${pattern#\*}" -o -name "${pattern##*/}")
            done
            find . -path ./build -prune -o -type f \
                \( "${names[@]:1}" \) -print0 | sed -z 's,^\./,,'
        fi
    ) | while IFS= read -r -d '' file; do
        if [ -f "$top/$file" ]; then
            printf '%s\0' "$file"
        fi
    done
}
