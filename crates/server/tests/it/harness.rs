//! Starts the program on free loopback ports and talks to it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use surecast_media::time::Now;
use surecast_room::Grants;
use surecast_room::token::{self, VideoGrant};

/// Generous: two cores may be busy compiling something else.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program, not started yet.
pub fn surecast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_surecast"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SURECAST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub fn run(args: &[&str]) -> Output {
    surecast().args(args).output().unwrap()
}

/// A running server.
pub struct Server {
    child: Child,
    /// The ready line.
    pub ready: String,
    pub address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// What a killed server leaves behind goes with it.
    _temp: tempfile::TempDir,
}

impl Server {
    /// `--dev` on free ports.
    pub fn dev(args: &[&str]) -> Self {
        let mut command = surecast();
        command
            .args(["serve", "--dev", "--http", "127.0.0.1:0"])
            .args(args);
        Self::start(command)
    }

    /// Starts it and waits for the ready line. Media ports are any free ones.
    pub fn start(mut command: Command) -> Self {
        command
            .env("SURECAST_RTC__UDP_PORT", "0")
            .env("SURECAST_RTC__TCP_PORT", "0");
        command.env("SURECAST_RTC__SHARDS", "1");
        command.env("SURECAST_SRT__LISTEN", "127.0.0.1:0");
        command.env("SURECAST_RTMP__LISTEN", "127.0.0.1:0");
        let temp = tempfile::tempdir().unwrap();
        command.env("TMPDIR", temp.path());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = collect(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
        });
        let ready = receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_default()
            .trim()
            .to_owned();
        let Some(address) = ready
            .rsplit("//")
            .next()
            .and_then(|address| address.parse().ok())
        else {
            let _ = child.kill();
            let _ = child.wait();
            std::thread::sleep(Duration::from_millis(100));
            panic!(
                "no ready line, but {ready:?}; log:\n{}",
                log.lock().unwrap()
            );
        };
        Self {
            child,
            ready,
            address,
            log,
            _temp: temp,
        }
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The first log line with all of the words. It comes through a pipe, so it
    /// may come a little later than what it tells of.
    pub async fn log_line(&self, words: &[&str]) -> String {
        let start = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log
                .lines()
                .find(|line| words.iter().all(|word| line.contains(word)))
            {
                return line.to_owned();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "no line with {words:?} in the log:\n{log}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(self.url(path)).body(Full::default()).unwrap())
            .await
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let response = client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// A Twirp call in JSON.
    pub async fn call(&self, method: &str, token: &str, body: &str) -> Answer {
        let request = Request::post(self.url(&format!("/twirp/livekit.RoomService/{method}")))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body(Full::from(body.to_owned()))
            .unwrap();
        self.send(request).await
    }

    /// One sample of `/metrics`, by the start of its line.
    pub async fn metric(&self, line: &str) -> Option<f64> {
        let text = self.get("/metrics").await.text();
        text.lines()
            .find(|l| l.starts_with(line))?
            .rsplit(' ')
            .next()?
            .parse()
            .ok()
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end and gives the exit code with the time it took.
    pub fn wait(&mut self) -> (Option<i32>, Duration) {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), start.elapsed());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("does not end; log:\n{}", self.log());
    }

    /// Stops it as an operator does.
    pub fn stop(mut self) {
        self.signal("TERM");
        let (code, _) = self.wait();
        assert_eq!(code, Some(0), "log:\n{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Asks again until it holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn now() -> Now {
    surecast_server::clock::now()
}

/// A token of the development key.
pub fn token_for(grants: &Grants) -> String {
    token::sign("devkey", "secret", grants, Duration::from_secs(600), now())
}

/// May join one room.
pub fn joiner(room: &str, identity: &str) -> Grants {
    Grants {
        identity: identity.to_owned(),
        video: Some(VideoGrant {
            room_join: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}

/// May do everything with rooms.
pub fn admin(room: &str) -> String {
    token_for(&Grants {
        video: Some(VideoGrant {
            room_create: true,
            room_list: true,
            room_admin: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    })
}

/// A file in a directory that is removed with the returned guard.
pub fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn collect(mut source: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let into = log.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = source.by_ref().read(&mut buffer) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
    log
}
