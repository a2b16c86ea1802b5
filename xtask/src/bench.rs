//! `cargo xtask bench`: figures, never a test. Everything runs on this machine;
//! read ratios, and say with a figure what it was measured on.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::install;
use crate::paths;
use crate::prerequisites::{self, C_COMPILER, CHROMIUM, ESPEAK, FFMPEG, PYTHON, cargo};
use crate::step::{Runner, Step};

/// Measures this binary instead of building one.
const BINARY: &str = "BENCH_BINARY";

/// Subscribers of one publisher.
const FAN_OUT: [u32; 3] = [10, 100, 300];

/// Seconds of steady state: long enough for some ten thousand packets at the
/// smallest fan-out.
const SECONDS: u32 = 20;

/// Ticks per second of `/proc/PID/stat`, the same on every Linux that Rust
/// runs on.
const TICKS: f64 = 100.0;

/// Measures `which`: `fanout`, `join`, or both.
pub fn bench(which: &[&str]) -> Result<bool> {
    let all = which.is_empty();
    let wants = |name: &str| all || which.contains(&name);
    if let Some(other) = which.iter().find(|w| !["fanout", "join"].contains(w)) {
        bail!("`{other}` is not a benchmark; there are `fanout` and `join`");
    }
    build(wants("join"))?;
    machine();
    if wants("fanout") {
        fan_out()?;
    }
    if wants("join") {
        return join();
    }
    Ok(true)
}

fn build(with_browser: bool) -> Result<()> {
    let given = std::env::var_os(BINARY).is_some();
    prerequisites::ensure(&[C_COMPILER])?;
    let server = [
        "build",
        "--locked",
        "--release",
        "--package",
        "surecast-server",
    ];
    let mut steps = vec![Step::new(
        "server",
        "the server and the load in release mode; the first time takes minutes",
        &cargo(),
        &server,
    )];
    if given {
        steps.clear();
    }
    if with_browser {
        prerequisites::ensure(&[CHROMIUM, FFMPEG, ESPEAK, PYTHON])?;
        steps.push(install::npm("e2e-install", &paths::e2e()));
        steps.push(install::virtual_environment("python"));
        steps.push(install::media("media", false));
    }
    let mut runner = Runner::new(steps.len(), "bench")?;
    for step in &mut steps {
        if runner.run(step)?.failed > 0 {
            bail!("{} failed", step.name);
        }
    }
    Ok(())
}

/// What the figures are measured on.
fn machine() {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|l| l.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |m| {
        m.trim_start_matches(['\t', ' ', ':'])
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("\nmachine: {cores} × {model}; server, load and browser on it together\n");
}

/// One publisher of 720p and audio, more and more subscribers.
fn fan_out() -> Result<()> {
    println!(
        "{:>6} {:>10} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "1 →",
        "packets/s",
        "loss %",
        "CPU µs/pkt",
        "server",
        "load",
        "join p50",
        "join p99",
        "delay p50"
    );
    println!(
        "{:>6} {:>10} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "forwarded", "video", "server", "cores", "cores", "ms", "ms", "ms"
    );
    for subscribers in FAN_OUT {
        let server = Server::start()?;
        let row = measure(&server, subscribers)?;
        println!(
            "{subscribers:>6} {:>10.0} {:>9.4} {:>10.2} {:>9.2} {:>9.2} {:>9.1} {:>9.1} {:>9.1}",
            row.packets_per_s,
            row.loss * 100.0,
            row.cpu_per_packet * 1e6,
            row.server_cores,
            row.load_cores,
            row.join_p50,
            row.join_p99,
            row.delay_p50
        );
    }
    println!();
    Ok(())
}

struct Row {
    packets_per_s: f64,
    loss: f64,
    cpu_per_packet: f64,
    server_cores: f64,
    load_cores: f64,
    join_p50: f64,
    join_p99: f64,
    delay_p50: f64,
}

fn measure(server: &Server, subscribers: u32) -> Result<Row> {
    let joining = f64::from(subscribers) / 20.0;
    let mut load = Command::new(binary())
        .args(["load", "--json", "--audio", "--join-rate", "20/s"])
        .args(["--url", &server.url, "--subscribers"])
        .arg(subscribers.to_string())
        .arg("--duration")
        .arg(format!("{SECONDS}s"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the load")?;
    // Steady from two seconds after the last join until two before the end.
    std::thread::sleep(Duration::from_secs_f64(joining + 2.0));
    let (from, before) = (std::time::Instant::now(), server.sample()?);
    let load_before = cpu_seconds(load.id())?;
    std::thread::sleep(Duration::from_secs(u64::from(SECONDS) - 4));
    let (elapsed, after) = (from.elapsed().as_secs_f64(), server.sample()?);
    let load_cpu = cpu_seconds(load.id())? - load_before;
    let mut report = String::new();
    if let Some(mut out) = load.stdout.take() {
        out.read_to_string(&mut report)?;
    }
    load.wait()?;
    let report: Value = serde_json::from_str(&report).context("the load's report")?;
    let number = |path: &str| {
        report
            .pointer(path)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    };
    let packets = after.forwarded - before.forwarded;
    let cpu = after.cpu - before.cpu;
    Ok(Row {
        packets_per_s: packets / elapsed,
        loss: number("/video/loss"),
        cpu_per_packet: cpu / packets,
        server_cores: cpu / elapsed,
        load_cores: load_cpu / elapsed,
        join_p50: number("/join_ms/connected/p50"),
        join_p99: number("/join_ms/connected/p99"),
        delay_p50: number("/video/latency_ms/p50"),
    })
}

/// Click to connected and to the first decoded frame, in Chromium.
fn join() -> Result<bool> {
    let status = Command::new("node")
        .arg("bench-join.js")
        .current_dir(paths::e2e())
        .env("E2E_SERVER", binary())
        .status()
        .context("cannot start node")?;
    Ok(status.success())
}

fn binary() -> std::path::PathBuf {
    match std::env::var_os(BINARY) {
        Some(given) => given.into(),
        None => paths::target().join("release/surecast"),
    }
}

/// A server on ports of its own; ends with this value.
struct Server {
    child: Child,
    url: String,
    data: std::path::PathBuf,
}

struct Sample {
    forwarded: f64,
    cpu: f64,
}

impl Server {
    fn start() -> Result<Self> {
        let data = std::env::temp_dir().join(format!("surecast-bench-{}", std::process::id()));
        // Below the ports that the system gives to outgoing connections.
        let offset = (2_000 + std::process::id() % 10_000).to_string();
        let mut child = Command::new(binary())
            .args(["serve", "--dev", "--port-offset", &offset, "--data-dir"])
            .arg(&data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the server")?;
        let out = child.stdout.take().context("the server's output")?;
        let mut lines = BufReader::new(out).lines();
        let ready = lines.find_map(|l| {
            let line = l.ok()?;
            line.strip_prefix("surecast ready on ").map(str::to_owned)
        });
        let url = ready.context("the server did not become ready")?;
        Ok(Self { child, url, data })
    }

    fn sample(&self) -> Result<Sample> {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let forwarded = text
            .lines()
            .filter(|l| l.contains("rtp_packets_total") && l.contains("\"out\""))
            .find_map(|l| l.rsplit(' ').next()?.parse().ok())
            .context("the server tells no rtp_packets_total{direction=\"out\"}")?;
        Ok(Sample {
            forwarded,
            cpu: cpu_seconds(self.child.id())?,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// User and system time of a process.
fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may contain anything; fields count from its end.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let sum: f64 = ticks.filter_map(|t| t.parse::<f64>().ok()).sum();
    Ok(sum / TICKS)
}
