# shellcheck shell=bash
# The files that the tools work on, each name ended by NUL.

cpp_files() { find native test/native test/bench test/fuzz \( -name '*.h' -o -name '*.cc' \) -print0; }

# By their first line, or by the ending of what they source.
shell_files() {
  find scripts .ci test -type f -print0 | while IFS= read -r -d '' file; do
    IFS= read -r first <"$file" || true
    [[ $file == *.sh || $first =~ ^#!.*(bash|/sh|dash) ]] && printf '%s\0' "$file"
  done
  return 0
}
