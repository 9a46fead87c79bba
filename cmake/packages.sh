# Sourced by ./demo and ./check.

# need_packages demo|check|languages|cross|packages: installs what packages.txt lists for it and is
# missing here. What demo needs is in check, too.
need_packages() {
  local wanted missing=() package as_root=()
  mapfile -t wanted < <(awk -v wanted="$1" \
    '!/^#/ && ($2 == wanted || $2 == "demo" && wanted == "check") { print $1 }' packages.txt)

  if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: these packages, or what they hold, should be here: ${wanted[*]}" >&2
    return 0
  fi
  for package in "${wanted[@]}"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Packages are missing. As root: apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "== installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
