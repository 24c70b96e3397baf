"""Where the JavaScript packages of package.json are: below the build folder, installed there from the lock file when they are not yet."""
import fcntl
import hashlib
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MAILROOM_BUILD_DIR", os.path.join(HERE, "../../build/release"))


def node_modules():
    """The path for NODE_PATH. One process installs at a time; a changed lock file installs anew."""
    folder = os.path.join(BUILD, "js")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
        wanted = hashlib.sha256(f.read()).hexdigest()
    stamp = os.path.join(folder, "installed")
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        have = open(stamp).read() if os.path.exists(stamp) else ""
        if have != wanted:
            for name in (".npmrc", "package.json", "package-lock.json"):
                shutil.copy(os.path.join(HERE, name), folder)
            subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=300)
            with open(stamp, "w") as f:
                f.write(wanted)
    return os.path.join(folder, "node_modules")
