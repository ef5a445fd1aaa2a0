# SPDX-License-Identifier: Apache-2.0
# For the lints: source_files lists the project's files below the current folder, one a line.

source_files() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
        git ls-files -co --exclude-standard | while IFS= read -r file; do
            [ ! -f "$file" ] || printf '%s\n' "$file"
        done
    else
        find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's|^\./||'
    fi | sort -u
}
