#!/usr/bin/env python3
"""Stands for `docker` where there is none: reads a Compose file and runs its services as processes.

Each service gets what the file says: a root of its own that is read-only if the file says so, its mounts under their
own paths, its user, no rights, its command and environment, the order and conditions of depends_on; with
`network_mode: none` a network of its own. What the file leaves to images is done here as they do it: the programs are
those of this machine, and PostgreSQL is set up like the entrypoint of the image `postgres`. Networks are not apart.

    compose.py session FOLDER SCRIPT      runs a shell script in a network of its own, with this as its `docker`
    docker compose --file FILE run --rm NAME | up --detach | kill --signal NAME SERVICE | down

Needs root, PyYAML, and in the environment KEYWAY_PROGRAM, the program that is all of Keyway's by `--as`.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import yaml

BOUND = 60
HOSTS = "127.0.0.1 localhost vault router nats\n"

# What the image's entrypoint does for a new data folder, and then the command.
POSTGRES = r"""
set -eu
export PGDATA=/var/lib/postgresql/data
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    eval "initdb --username=postgres --pwfile=<(printf '%s\n' \"\$POSTGRES_PASSWORD\") $POSTGRES_INITDB_ARGS"
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait -o "-c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        PGPASSWORD=$POSTGRES_PASSWORD POSTGRES_USER=postgres "$script"
    done
    pg_ctl --wait --mode fast stop
fi
unset POSTGRES_PASSWORD
exec "$@"
"""

# Builds the root and becomes the program. Arguments: the root, then the program with its arguments.
CONTAINER = r"""
set -e
root=$1; shift
mount -t tmpfs -o mode=0755 root "$root"
mkdir -p "$root"/{usr,etc,tmp,proc,dev,opt/keyway}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
mount --rbind /usr "$root/usr"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp /etc/passwd /etc/group "$root/etc/"
install -D -m 0444 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
printf '%s' "$HOSTS" >"$root/etc/hosts"
printf 'hosts: files\n' >"$root/etc/nsswitch.conf"
for program in $PROGRAMS; do
    touch "$root/opt/keyway/${program##*/}"
    mount --bind "$program" "$root/opt/keyway/${program##*/}"
done
while IFS=: read -r source target mode; do
    if [ -d "$source" ]; then mkdir -p "$root$target"; else mkdir -p "$(dirname "$root$target")"; touch "$root$target"; fi
    mount --bind "$source" "$root$target"
    [ "$mode" != ro ] || mount -o remount,ro,bind "$root$target"
done <<<"$MOUNTS"
[ -z "$READ_ONLY" ] || mount -o remount,ro "$root"
exec chroot "$root" /usr/bin/env -i $VARIABLES "$@"
"""


def link_up():
    """Brings up the loopback of this network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        up = struct.pack("16sh", b"lo", 0x1 | 0x40)
        fcntl.ioctl(sock, 0x8914, up + bytes(22))  # SIOCSIFFLAGS: IFF_UP, IFF_RUNNING


def wait_for(what, holds):
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > BOUND:
            sys.exit(f"waited {BOUND} s for {what}")
        time.sleep(0.02)


class Compose:
    """One project: its file, and the processes that an earlier command of the session left."""

    def __init__(self, file):
        self.folder = Path(file).resolve().parent
        self.state = Path(os.environ["COMPOSE_STATE"])
        text = Path(file).read_text()
        variables = dict(os.environ)
        dotenv = self.folder / ".env"
        if dotenv.exists():
            variables |= dict(line.split("=", 1) for line in dotenv.read_text().splitlines())

        def value(match):
            name, need = match.groups()
            return variables.get(name) or sys.exit(f"{name}: {need}")

        self.file = yaml.safe_load(re.sub(r"\$\{(\w+):\?([^}]*)\}", value, text))
        self.services = self.file["services"]

    def pid(self, name):
        file = self.state / f"{name}.pid"
        return int(file.read_text()) if file.exists() else None

    def mounts(self, service):
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                source = self.folder / source
                assert source.exists(), f"{source} is not there: Docker would make a folder of it"
            else:
                assert source in self.file["volumes"], f"no volume is called {source}"
                source = self.state / "volumes" / source
                if not source.exists():
                    source.mkdir(parents=True)
                    source.chmod(0o777)
            yield f"{source}:{target}:{''.join(mode)}"

    def argv(self, service):
        """The program of an image with its arguments, its user, and the variables that it is given."""
        image, command = service["image"].split(":")[0], [str(word) for word in service["command"]]
        variables = dict(service.get("environment", {}))
        user = service.get("user", "")
        if image.startswith("keyway-"):
            part = image.removeprefix("keyway-")
            variables |= json.loads(os.environ.get(f"KEYWAY_{part.upper()}_VARIABLES", "{}"))
            return [f"/opt/keyway/{Path(PROGRAM).name}", "--as", part, *command], user, variables
        if image == "nats":
            return [f"/opt/keyway/{Path(NATS).name}", *command], user, variables
        assert image == "postgres" and not user, image
        file = variables.pop("POSTGRES_PASSWORD_FILE")  # read by root
        inside = next(mount for mount in self.mounts(service) if file.startswith(mount.split(":")[1]))
        source, target, _ = inside.split(":")
        variables["POSTGRES_PASSWORD"] = Path(source + file.removeprefix(target)).read_text().strip()
        data = self.state / "volumes" / "postgres"
        shutil.chown(data, "postgres", "postgres")
        data.chmod(0o700)
        return ["/usr/bin/bash", "-c", POSTGRES, "-", *command], "postgres:postgres", variables

    def spawn(self, name):
        service = self.services[name]
        mounts = list(self.mounts(service))
        argv, user, variables = self.argv(service)
        variables["PATH"] = f"{POSTGRES_BIN}:/usr/bin"
        rights = ["/usr/bin/setpriv", "--clear-groups", "--reuid", user.split(":")[0], "--regid", user.split(":")[1]]
        if "ALL" in service.get("cap_drop", []):
            rights += ["--bounding-set=-all", "--inh-caps=-all"]
        if "no-new-privileges:true" in service.get("security_opt", []):
            rights += ["--no-new-privs"]
        root = self.state / "roots" / name
        root.mkdir(parents=True, exist_ok=True)
        quoted = " ".join(f"{key}={value}".replace(" ", "\\ ") for key, value in variables.items())
        environment = os.environ | {
            "HOSTS": HOSTS,
            "PROGRAMS": f"{PROGRAM} {NATS}",
            "MOUNTS": "\n".join(mounts),
            "READ_ONLY": "yes" if service.get("read_only") else "",
        }
        apart = ["--net"] if service.get("network_mode") == "none" else []
        loopback = [sys.executable, __file__, "link-up"] if apart else []
        script = CONTAINER.replace("$VARIABLES", quoted)
        command = ["unshare", "--mount", *apart, *loopback, "bash", "-c", script, "-", root, *rights, *argv]
        log = (self.state / f"{name}.log").open("ab")
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        (self.state / f"{name}.pid").write_text(str(process.pid))
        return process

    def log(self, name):
        return f"{name}: {(self.state / f'{name}.log').read_text()}"

    def run(self, name):
        """Runs a service to its end."""
        code = self.spawn(name).wait(BOUND)
        if code != 0:
            sys.exit(f"{name} ended with {code}\n{self.log(name)}")

    def is_healthy(self, name):
        test = self.services[name]["healthcheck"]["test"]
        assert test[0] == "CMD", test
        enter = ["nsenter", "--target", str(self.pid(name)), "--mount", "--net", "--root", "--wd=/"]
        check = ["env", f"PATH={POSTGRES_BIN}", *test[1:]]
        return subprocess.run([*enter, *check], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def up(self, name, started):
        """Starts a service behind those that it depends on, each until its condition holds."""
        if name in started:
            return
        started.add(name)
        conditions = self.services[name].get("depends_on", {})
        for other, condition in conditions.items():
            if condition["condition"] == "service_completed_successfully":
                self.before(other, started)
                self.run(other)
            else:
                self.up(other, started)
        for other, condition in conditions.items():
            if condition["condition"] == "service_healthy":
                wait_for(self.log(other), lambda other=other: self.is_healthy(other))
        if not self.is_running(name):
            self.spawn(name)

    def before(self, name, started):
        for other, condition in self.services[name].get("depends_on", {}).items():
            self.up(other, started)
            if condition["condition"] == "service_healthy":
                wait_for(f"{other} to be healthy", lambda other=other: self.is_healthy(other))

    def is_running(self, name):
        pid = self.pid(name)
        try:
            return pid is not None and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return False

    def down(self):
        """Stops in reverse order, as Compose does: SIGTERM, and a bound."""
        for name in reversed(list(self.services)):
            if self.is_running(name):
                os.kill(self.pid(name), signal.SIGTERM)
                wait_for(f"the end of {name}", lambda name=name: not self.is_running(name))


def docker(words):
    assert words[:2] == ["compose", "--file"], words
    compose, words = Compose(words[2]), words[3:]
    match words:
        case ["run", "--rm", name]:
            compose.before(name, set())
            compose.run(name)
        case ["up", "--detach"]:
            started = set()
            tasks = {other for one in compose.services.values() for other, condition in one.get("depends_on", {}).items()
                     if condition["condition"] == "service_completed_successfully"}
            for name, service in compose.services.items():
                if "profiles" not in service and name not in tasks:
                    compose.up(name, started)
        case ["kill", "--signal", name, service]:
            os.kill(compose.pid(service), getattr(signal, f"SIG{name}"))
        case ["down"]:
            compose.down()
        case _:
            sys.exit(f"not known here: {words}")


def session(folder, script):
    """Everything of the session is in this network and ends with it."""
    link_up()
    state = Path(folder) / "compose"
    (state / "bin").mkdir(parents=True)
    stand_in = state / "bin" / "docker"
    stand_in.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{Path(__file__).resolve()}' \"$@\"\n")
    stand_in.chmod(0o755)
    path = f"{state / 'bin'}:{os.environ['PATH']}"
    environment = os.environ | {"COMPOSE_STATE": str(state), "PATH": path}
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment).returncode


def postgres_bin():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [shutil.which("initdb")]
    return str(Path(found[-1] or sys.exit("PostgreSQL is missing: .ci/run installs it")).parent)


PROGRAM = os.environ.get("KEYWAY_PROGRAM", "")
NATS = shutil.which("nats-server") or sys.exit("nats-server is missing: .ci/run installs it")
POSTGRES_BIN = postgres_bin()

if __name__ == "__main__":
    if sys.argv[1] == "session":
        sys.exit(session(*sys.argv[2:4]))
    if sys.argv[1] == "link-up":
        link_up()
        os.execvp(sys.argv[2], sys.argv[2:])
    docker(sys.argv[1:])
