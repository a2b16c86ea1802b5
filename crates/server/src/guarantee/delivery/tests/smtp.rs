//! A mail server that keeps what it gets, plainly or over TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// From where on the conversation is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Encrypted {
    /// From its first byte, as `smtps://` has it.
    AtOnce,
    /// After STARTTLS (RFC 3207); no mail is taken before.
    StartTls,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Enough of SMTP (RFC 5321) for a client without extensions other than STARTTLS.
#[derive(Clone)]
pub struct MailServer {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Vec<u8>>>>,
    refused: Arc<Mutex<Vec<String>>>,
    tls: Option<(Encrypted, TlsAcceptor)>,
}

impl MailServer {
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// With a certificate for `name` that it signed itself; gives that in PEM.
    pub async fn start_tls(encrypted: Encrypted, name: &str) -> (Self, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::serve(Some((encrypted, acceptor))).await, cert.pem())
    }

    async fn serve(tls: Option<(Encrypted, TlsAcceptor)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            mails: Arc::default(),
            refused: Arc::default(),
            tls,
        };
        let this = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                tokio::spawn(async move {
                    match this.tls.clone() {
                        Some((Encrypted::AtOnce, acceptor)) => {
                            let stream = acceptor.accept(stream).await?;
                            this.converse(Box::new(stream), false).await
                        }
                        Some((Encrypted::StartTls, _)) => {
                            this.converse(Box::new(stream), true).await
                        }
                        None => this.converse(Box::new(stream), false).await,
                    }
                });
            }
        });
        server
    }

    /// Whose mailbox is not there.
    pub fn refuse(&self, address: &str) {
        self.refused.lock().unwrap().push(address.to_owned());
    }

    pub fn mails(&self) -> Vec<Vec<u8>> {
        self.mails.lock().unwrap().clone()
    }

    /// `open`: nothing but STARTTLS is taken yet.
    async fn converse(self, stream: Box<dyn Stream>, mut open: bool) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await?;
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let refused = self.refused.lock().unwrap().clone();
            let answer = match line.get(..4).unwrap_or_default() {
                "EHLO" if open => "250-sink\r\n250 STARTTLS",
                "EHLO" => "250 sink",
                "STAR" if open => {
                    stream.write_all(b"220 go on\r\n").await?;
                    let Some((_, acceptor)) = self.tls.clone() else {
                        return Ok(());
                    };
                    let encrypted = acceptor.accept(stream.into_inner()).await?;
                    stream = BufReader::new(Box::new(encrypted) as Box<dyn Stream>);
                    open = false;
                    continue;
                }
                "MAIL" if open => "530 Must issue a STARTTLS command first",
                "RCPT" if refused.iter().any(|who| line.contains(who.as_str())) => {
                    "550 no such mailbox"
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let mail = read_mail(&mut stream).await?;
                    self.mails.lock().unwrap().push(mail);
                    "250 kept"
                }
                "QUIT" => return stream.write_all(b"221 bye\r\n").await,
                _ => "250 fine",
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
}

async fn read_mail(stream: &mut BufReader<Box<dyn Stream>>) -> std::io::Result<Vec<u8>> {
    let mut mail = Vec::new();
    loop {
        let start = mail.len();
        if stream.read_until(b'\n', &mut mail).await? == 0 {
            return Ok(mail);
        }
        if &mail[start..] == b".\r\n" {
            mail.truncate(start);
            return Ok(mail);
        }
        if mail[start..].starts_with(b"..") {
            mail.remove(start);
        }
    }
}
