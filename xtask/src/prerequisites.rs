//! What must be on the machine: looked for first, installed when it may be,
//! named when it may not.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Something that a command needs and that Cargo and npm do not bring.
#[derive(Clone, Copy)]
pub struct Prerequisite {
    /// What it is for.
    why: &'static str,
    /// Whether it is there.
    present: fn() -> bool,
    /// Debian package that brings it.
    package: &'static str,
}

/// aws-lc, SQLite and the like are compiled from C; neither needs more than the compiler.
pub const C_COMPILER: Prerequisite = Prerequisite {
    why: "compiling C dependencies",
    present: || runs("cc", &["--version"]),
    package: "build-essential",
};

/// The browser of the end-to-end tests.
pub const CHROMIUM: Prerequisite = Prerequisite {
    why: "the browser tests",
    present: || {
        std::env::var_os("CHROMIUM").is_some_and(|path| Path::new(&path).exists())
            || exists("/usr/bin/chromium")
    },
    package: "chromium",
};

/// Encodes the fake camera's file, and is an encoder and a player in the tests.
pub const FFMPEG: Prerequisite = Prerequisite {
    why: "encoding and decoding what tests send",
    present: || runs("ffmpeg", &["-version"]),
    package: "ffmpeg",
};

/// Speaks the fake microphone's file.
pub const ESPEAK: Prerequisite = Prerequisite {
    why: "making the fake microphone's file",
    present: || runs("espeak-ng", &["--version"]),
    package: "espeak-ng",
};

/// The other database of the store's tests.
pub const POSTGRES: Prerequisite = Prerequisite {
    why: "the store's tests",
    present: || {
        let versions = std::fs::read_dir("/usr/lib/postgresql");
        versions.is_ok_and(|mut all| {
            all.any(|version| version.is_ok_and(|v| v.path().join("bin/initdb").exists()))
        })
    },
    package: "postgresql",
};

/// A decoder, and a packetizer of VP9, that are not ours and not FFmpeg's. Its
/// parts are packages of their own.
pub const GSTREAMER: [Prerequisite; 5] = [
    gstreamer("gstreamer1.0-tools", || {
        runs("gst-launch-1.0", &["--version"])
    }),
    gstreamer("gstreamer1.0-plugins-base", || has_element("playbin3")),
    gstreamer("gstreamer1.0-plugins-good", || has_element("rtpvp9depay")),
    gstreamer("gstreamer1.0-plugins-bad", || has_element("hlsdemux")),
    gstreamer("gstreamer1.0-libav", || has_element("avdec_h264")),
];

const fn gstreamer(package: &'static str, present: fn() -> bool) -> Prerequisite {
    Prerequisite {
        why: "a decoder that is not ours",
        present,
        package,
    }
}

fn has_element(name: &str) -> bool {
    runs("gst-inspect-1.0", &[name])
}

/// librtmp, which OBS uses too.
pub const RTMPDUMP: Prerequisite = Prerequisite {
    why: "a player of RTMP that is not ours",
    present: || runs("rtmpdump", &["-h"]),
    package: "rtmpdump",
};

/// libsrt's own sender and receiver.
pub const SRT_TOOLS: Prerequisite = Prerequisite {
    why: "a sender of SRT that is not ours",
    present: || exists("/usr/bin/srt-live-transmit"),
    package: "srt-tools",
};

/// Makes the virtual environment for the PyPI clients.
pub const PYTHON: Prerequisite = Prerequisite {
    why: "the PyPI clients",
    present: || python().is_some(),
    package: "python3-venv",
};

/// Latin letters in screenshots.
pub const LATIN_FONT: Prerequisite = Prerequisite {
    why: "screenshots",
    present: || exists("/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf"),
    package: "fonts-liberation",
};

/// Chinese characters in screenshots.
pub const CHINESE_FONT: Prerequisite = Prerequisite {
    why: "screenshots in Chinese",
    present: || exists("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    package: "fonts-noto-cjk",
};

/// Pictograms in screenshots.
pub const EMOJI_FONT: Prerequisite = Prerequisite {
    why: "reactions in screenshots",
    present: || exists("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
    package: "fonts-noto-color-emoji",
};

/// Vite 8 and the tests' runner need this much.
const NODE_AT_LEAST: (u32, u32) = (20, 19);

/// Sees to it that everything is there, or says what to do.
pub fn ensure(needed: &[Prerequisite]) -> Result<()> {
    node()?;
    let missing: Vec<_> = needed.iter().filter(|one| !(one.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for one in &missing {
        println!("missing: {} (for {})", one.package, one.why);
    }
    let packages: Vec<_> = missing.iter().map(|one| one.package).collect();
    install(&packages)?;
    let still: Vec<_> = missing
        .iter()
        .filter(|one| !(one.present)())
        .map(|one| one.package)
        .collect();
    if !still.is_empty() {
        bail!(
            "installed {}, and yet it is not found where it belongs",
            still.join(", ")
        );
    }
    Ok(())
}

/// rustfmt and clippy; a minimal toolchain lacks them.
pub fn ensure_rust_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if runs(&cargo(), &[subcommand, "--version"]) {
            continue;
        }
        println!("missing: {component}; installing it with rustup");
        if !succeeds(Command::new("rustup").args(["component", "add", component])) {
            bail!("`cargo {subcommand}` is missing. Run `rustup component add {component}`");
        }
    }
    Ok(())
}

/// The Cargo that runs us.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// A Python that can make virtual environments; the system's own comes first,
/// because version managers put others into the search path.
pub fn python() -> Option<&'static str> {
    let able = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|python| runs(python, &["-c", able]))
}

fn node() -> Result<()> {
    let (major, minor) = NODE_AT_LEAST;
    let remedy = format!("Install Node {major}.{minor} or later with npm: https://nodejs.org");
    let Ok(answer) = Command::new("node").arg("--version").output() else {
        bail!("`node` is not found. {remedy}");
    };
    let version = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < NODE_AT_LEAST {
        bail!("Node is {version}. {remedy}");
    }
    if !runs("npm", &["--version"]) {
        bail!("`npm` is not found. {remedy}");
    }
    Ok(())
}

/// Debian's way, when we may.
fn install(packages: &[&str]) -> Result<()> {
    let by_hand = format!(
        "apt-get update && apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if !runs("apt-get", &["--version"]) {
        bail!(
            "this is not Debian: install what brings {} by hand",
            packages.join(", ")
        );
    }
    let Some(privilege) = privilege() else {
        bail!("may not install packages here. Run as root:\n    {by_hand}");
    };
    println!("installing: {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(privilege.first().copied().unwrap_or("env"));
        command.args(privilege.get(1..).unwrap_or_default());
        command
            .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"])
            .args(arguments);
        succeeds(&mut command)
    };
    let all = [&["install", "-y", "--no-install-recommends"], packages].concat();
    if !apt(&["update"]) || !apt(&all) {
        bail!("apt-get failed. Run as root:\n    {by_hand}");
    }
    Ok(())
}

/// Words to put before a command that needs root; none when there is no way.
fn privilege() -> Option<&'static [&'static str]> {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.starts_with(b"0"));
    if root {
        return Some(&["env"]);
    }
    runs("sudo", &["-n", "true"]).then_some(&["sudo", "-n", "env"])
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    succeeds(
        Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
