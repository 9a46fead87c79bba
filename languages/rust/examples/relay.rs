//! A station of languages/relay: passes on what comes, until its producer closes.
use annulus::{Consumer, Producer, Refusal, Wait};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = std::env::args().skip(2).collect();
    let mut rx = Consumer::open(&names[0])?;
    let mut tx = Producer::open(&names[1])?;
    loop {
        match rx.read(Wait::secs(60)) {
            // The message goes back where it drops: behind the push.
            Ok(message) => loop {
                match tx.push(&message, Wait::secs(60)) {
                    Err(Refusal::PeerGone) => continue,
                    done => break done?,
                }
            },
            Err(Refusal::PeerGone) => continue, // its successor is on its way
            Err(Refusal::Closed) => return Ok(()),
            Err(why) => return Err(why.into()),
        }
    }
}
