//! Debian's PostgreSQL for a test process: a cluster of its own in a temporary
//! directory, reached by a socket there, gone when the process is.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a cluster may take to answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Cluster {
    dir: PathBuf,
    /// Its input is a pipe from us: it ends when we do, however we end.
    _keeper: Child,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The URL of a new, empty database; `None` where `SURECAST_TEST_NO_POSTGRES` is
/// set.
pub fn database() -> Option<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    if std::env::var_os("SURECAST_TEST_NO_POSTGRES").is_some() {
        return None;
    }
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let made = psql(&cluster.dir, &format!("CREATE DATABASE {name}"));
    assert!(made, "cannot make a database");
    let dir = cluster.dir.display().to_string().replace('/', "%2F");
    Some(format!("postgres://postgres@{dir}/{name}"))
}

/// Ends all connections to the databases, as a restart of PostgreSQL does.
#[allow(
    dead_code,
    reason = "not every binary that includes this file needs it"
)]
pub fn hang_up() {
    let cluster = CLUSTER.get().expect("a cluster");
    let sql =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    assert!(psql(&cluster.dir, sql), "cannot end connections");
}

fn start() -> Cluster {
    let bin = bin().expect(
        "PostgreSQL is not installed: `apt-get install postgresql`, or set SURECAST_TEST_NO_POSTGRES=1",
    );
    let dir = tempfile::Builder::new()
        .prefix("surecast-pg-")
        .tempdir()
        .expect("a directory")
        .keep();
    // PostgreSQL refuses to run as root.
    let root = Command::new("id").arg("-u").output().expect("id");
    let root = root.stdout.starts_with(b"0");
    let become_it = if root {
        let owned = Command::new("chown").arg("postgres").arg(&dir).status();
        assert!(
            owned.expect("chown").success(),
            "cannot give the directory away"
        );
        "setpriv --reuid=postgres --regid=postgres --clear-groups"
    } else {
        ""
    };
    let script = format!(
        "cd '{dir}' && {become_it} '{bin}/initdb' -D '{dir}/data' -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 >'{dir}/log' 2>&1 && \
         {{ {become_it} '{bin}/postgres' -D '{dir}/data' -k '{dir}' -c listen_addresses= -c fsync=off >>'{dir}/log' 2>&1 & }} && \
         cat >/dev/null; kill -INT $!; wait; rm -rf '{dir}'",
        dir = dir.display(),
        bin = bin.display(),
    );
    let mut keeper = Command::new("sh");
    keeper.args(["-c", &script]).stdin(Stdio::piped());
    let keeper = keeper.spawn().expect("sh");
    let begin = Instant::now();
    while !psql(&dir, "SELECT 1") {
        assert!(
            begin.elapsed() < PATIENCE,
            "PostgreSQL does not answer: {}",
            std::fs::read_to_string(dir.join("log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Cluster {
        dir,
        _keeper: keeper,
    }
}

fn psql(dir: &Path, sql: &str) -> bool {
    let mut command = Command::new("psql");
    command
        .args([
            "-q", "-X", "-U", "postgres", "-d", "postgres", "-c", sql, "-h",
        ])
        .arg(dir);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Debian keeps its programs out of the search path, by version.
fn bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}
