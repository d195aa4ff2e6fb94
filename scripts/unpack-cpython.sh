#!/bin/sh
# unpack-cpython.sh FOLDER: unpacks Debian's python3.14 and what it depends on into FOLDER/usr, for `npm run record -- python` to lay over
# this machine's /usr. The packages come through apt with a state of its own in FOLDER.apt; nothing outside the two folders is touched.
# SUITE and MIRROR may be given; the mirror is else the one of the machine's own apt. Needs root for the last step, which compiles the library.
set -eu
folder=$(realpath -m "$1")
state=$folder.apt
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -v security | sort | uniq -c | sort -rn | awk 'NR==1{print $2}')}
mkdir -p "$folder" "$state/state/lists/partial" "$state/cache/archives/partial" "$state/parts"
: > "$state/status"
echo "deb [signed-by=$keyring] $mirror ${SUITE:-forky} main" > "$state/sources.list"
cat > "$state/apt.conf" <<CONF
Dir::Etc { sourcelist "$state/sources.list"; sourceparts "$state/parts"; preferencesparts "$state/parts"; parts "$state/parts"; main "$state/none"; };
Dir::State "$state/state"; Dir::State::status "$state/status"; Dir::Cache "$state/cache";
APT::Install-Recommends "0"; APT::Sandbox::User "root";
CONF
apt-config dump | grep '^Acquire::[^ ]* ".' >> "$state/apt.conf" || :
export APT_CONFIG="$state/apt.conf"
apt-get -qq update
apt-get -qq -y --download-only install python3.14 python3 tzdata > /dev/null
for package in "$state"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -C "$folder" -xf - --keep-directory-symlink --wildcards './usr/bin/python3*' './usr/lib*' './usr/share/zoneinfo*' 2> /dev/null || :
done
ln -sfn python3 "$folder/usr/bin/python"
mkdir -p "$state/upper" "$state/work"
unshare -m sh -c 'mount -t overlay overlay -o "lowerdir=$1/usr:/usr,upperdir=$2/upper,workdir=$2/work" /usr &&
  /usr/bin/python3 -m compileall -q -x "/(test|idlelib)/|lib2to3" /usr/lib/python3.14' _ "$folder" "$state" || :
cp -a "$state/upper/lib" "$folder/usr/" && rm -rf "$state/upper" "$state/work"
