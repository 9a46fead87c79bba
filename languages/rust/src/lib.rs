//! Messages between processes through shared memory, or a named pipe.
//!
//! ```no_run
//! use annulus::{Consumer, Producer, Wait};
//! let mut tx = Producer::open("shm:orders")?;
//! tx.push(b"one", Wait::secs(1)).unwrap();
//! let mut claim = tx.claim(256, Wait::Never).unwrap(); // written in place
//! claim[..3].copy_from_slice(b"two");
//! claim.commit(3);
//!
//! let mut rx = Consumer::open("shm:orders")?;
//! while let Ok(message) = rx.read(Wait::Forever) { // in place; its space goes back when it drops
//!     println!("{} bytes", message.len());
//! }
//! # Ok::<(), annulus::OpenError>(())
//! ```
//!
//! Names are those of the library: `shm:NAME`, `pipe:NAME` or `auto:NAME`, options behind a `?`.
//! A role may move to another thread, and is used by one at a time; an [`Interrupter`] is for any
//! thread. In a child of `fork` every call is refused with [`Refusal::NotPermitted`].

use std::ffi::{CStr, CString};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::os::raw::{c_char, c_int, c_void};
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod raw {
    use super::*;

    #[repr(C)]
    pub struct Error {
        pub fault: c_int,
        pub text: [c_char; 1024],
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Bytes {
        pub data: *const c_void,
        pub count: usize,
    }

    #[link(name = "annulus")]
    extern "C" {
        pub fn annulus_open_producer(name: *const c_char, why: *mut Error) -> *mut c_void;
        pub fn annulus_close_producer(role: *mut c_void);
        pub fn annulus_push(r: *mut c_void, data: *const c_void, n: usize, wait: i64) -> c_int;
        pub fn annulus_push_batch(
            role: *mut c_void,
            messages: *const Bytes,
            many: usize,
            wait: i64,
            taken: *mut usize,
        ) -> c_int;
        pub fn annulus_claim(r: *mut c_void, n: usize, wait: i64, at: *mut *mut c_void) -> c_int;
        pub fn annulus_commit(role: *mut c_void, count: usize) -> c_int;
        pub fn annulus_abort(role: *mut c_void) -> c_int;
        pub fn annulus_producer_max_message(role: *const c_void) -> usize;
        pub fn annulus_producer_peer(role: *mut c_void) -> c_int;
        pub fn annulus_interrupt_producer(role: *mut c_void);
        pub fn annulus_open_consumer(name: *const c_char, why: *mut Error) -> *mut c_void;
        pub fn annulus_close_consumer(role: *mut c_void);
        pub fn annulus_read(role: *mut c_void, wait: i64, message: *mut Bytes) -> c_int;
        pub fn annulus_release(role: *mut c_void) -> c_int;
        pub fn annulus_consumer_max_message(role: *const c_void) -> usize;
        pub fn annulus_consumer_peer(role: *mut c_void) -> c_int;
        pub fn annulus_interrupt_consumer(role: *mut c_void);
        pub fn annulus_remove(name: *const c_char, is_forced: bool, why: *mut Error) -> bool;
    }
}

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Never,
    For(Duration),
    Forever,
}

impl Wait {
    pub fn secs(seconds: u64) -> Self {
        Wait::For(Duration::from_secs(seconds))
    }
    fn nanoseconds(self) -> i64 {
        match self {
            Wait::Never => 0,
            Wait::For(time) => i64::try_from(time.as_nanos()).unwrap_or(i64::MAX),
            Wait::Forever => -1,
        }
    }
}

/// Why a call was refused. Each asks for something else of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No room now.
    Full,
    /// No message now.
    Empty,
    /// Larger than the largest message: no waiting will help.
    NeverFits,
    /// The other side closed, and there is no room, or everything was read.
    Closed,
    /// The other side died without closing, and the same.
    PeerGone,
    /// A live producer has claimed and not yet committed.
    Stalled,
    /// Damaged records were skipped, or a position makes no sense. The next call goes on.
    Corrupt,
    /// The role belongs to another process.
    NotPermitted,
    TimedOut,
    Interrupted,
    /// The channel's name is gone: nobody else comes.
    Removed,
    /// The ring took no memory when it was made, and there is none now.
    NoMemory,
    /// A refusal that this version does not know.
    Other(i32),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
impl std::error::Error for Refusal {}

fn checked(status: c_int) -> Result<(), Refusal> {
    use Refusal::*;
    const ALL: [Refusal; 12] = [
        Full, Empty, NeverFits, Closed, PeerGone, Stalled, Corrupt, NotPermitted, TimedOut,
        Interrupted, Removed, NoMemory,
    ];
    match status {
        0 => Ok(()),
        n => Err(usize::try_from(n - 1).ok().and_then(|n| ALL.get(n).copied()).unwrap_or(Other(n))),
    }
}

/// Why a channel could not be opened or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Fault {
    BadArgument,
    NotFound,
    AlreadyExists,
    InUse,
    NoPermission,
    NoSpace,
    NotAChannel,
    Incompatible,
    Damaged,
    System,
}

/// What was found, and what to do.
#[derive(Clone, Debug)]
pub struct OpenError {
    pub fault: Fault,
    pub text: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl std::error::Error for OpenError {}

impl OpenError {
    fn from_raw(why: &raw::Error) -> Self {
        use Fault::*;
        const ALL: [Fault; 10] = [
            BadArgument, NotFound, AlreadyExists, InUse, NoPermission, NoSpace, NotAChannel,
            Incompatible, Damaged, System,
        ];
        let fault = usize::try_from(why.fault).ok().and_then(|n| ALL.get(n).copied());
        // SAFETY: the library always terminates the text.
        let text = unsafe { CStr::from_ptr(why.text.as_ptr()) };
        OpenError { fault: fault.unwrap_or(System), text: text.to_string_lossy().into_owned() }
    }
}

fn opened(
    name: &str,
    open: unsafe extern "C" fn(*const c_char, *mut raw::Error) -> *mut c_void,
) -> Result<*mut c_void, OpenError> {
    let name = named(name)?;
    let mut why = raw::Error { fault: 0, text: [0; 1024] };
    // SAFETY: both pointers are valid for the call.
    let role = unsafe { open(name.as_ptr(), &mut why) };
    if role.is_null() { Err(OpenError::from_raw(&why)) } else { Ok(role) }
}

fn named(name: &str) -> Result<CString, OpenError> {
    CString::new(name).map_err(|_| OpenError {
        fault: Fault::BadArgument,
        text: format!("{name:?}: a name has no zero byte"),
    })
}

/// Removes a channel with its files. In use: fails, unless forced.
pub fn remove(name: &str, is_forced: bool) -> Result<(), OpenError> {
    let name = named(name)?;
    let mut why = raw::Error { fault: 0, text: [0; 1024] };
    // SAFETY: both pointers are valid for the call.
    let is_done = unsafe { raw::annulus_remove(name.as_ptr(), is_forced, &mut why) };
    if is_done { Ok(()) } else { Err(OpenError::from_raw(&why)) }
}

/// What is known of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    NeverCame,
    Attached,
    Left,
    Died,
}

fn presence(number: c_int) -> Presence {
    match number {
        1 => Presence::Attached,
        2 => Presence::Left,
        3 => Presence::Died,
        _ => Presence::NeverCame,
    }
}

/// Ends the wait that runs in a role, or else its next one. For any thread; once the role has
/// closed it does nothing.
#[derive(Clone)]
pub struct Interrupter {
    role: Arc<Mutex<*mut c_void>>,
    call: unsafe extern "C" fn(*mut c_void),
}
// SAFETY: the library lets any thread interrupt; the mutex keeps the role open meanwhile.
unsafe impl Send for Interrupter {}
unsafe impl Sync for Interrupter {}

impl Interrupter {
    pub fn interrupt(&self) {
        let role = self.role.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // SAFETY: NULL, or open while the mutex is held.
        unsafe { (self.call)(*role) }
    }
}

struct Role {
    at: *mut c_void,
    shared: Arc<Mutex<*mut c_void>>,
    close: unsafe extern "C" fn(*mut c_void),
}

impl Role {
    fn new(at: *mut c_void, close: unsafe extern "C" fn(*mut c_void)) -> Self {
        Role { at, shared: Arc::new(Mutex::new(at)), close }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let mut role = self.shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *role = std::ptr::null_mut();
        // SAFETY: opened by the library, closed once.
        unsafe { (self.close)(self.at) }
    }
}

/// A producer of a channel; closes when it drops.
pub struct Producer(Role);
// SAFETY: a role is used by one thread at a time, and may change threads.
unsafe impl Send for Producer {}

impl Producer {
    /// Opens the channel, which is made if it does not exist, and takes a producer's role.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        let at = opened(name, raw::annulus_open_producer)?;
        Ok(Producer(Role::new(at, raw::annulus_close_producer)))
    }
    /// Sends one message.
    pub fn push(&mut self, message: &[u8], wait: Wait) -> Result<(), Refusal> {
        // SAFETY: the slice is valid for the call.
        checked(unsafe {
            let data = message.as_ptr().cast();
            raw::annulus_push(self.0.at, data, message.len(), wait.nanoseconds())
        })
    }
    /// Sends messages in order, and returns how many were taken before the refusal, if any.
    pub fn push_batch(&mut self, all: &[&[u8]], wait: Wait) -> (usize, Result<(), Refusal>) {
        let all: Vec<_> = all
            .iter()
            .map(|one| raw::Bytes { data: one.as_ptr().cast(), count: one.len() })
            .collect();
        let mut taken = 0;
        // SAFETY: all pointers are valid for the call.
        let status = unsafe {
            let wait = wait.nanoseconds();
            raw::annulus_push_batch(self.0.at, all.as_ptr(), all.len(), wait, &mut taken)
        };
        (taken, checked(status))
    }
    /// Space for a message of `count` bytes, to be written in place. Its bytes are what stood there.
    pub fn claim(&mut self, count: usize, wait: Wait) -> Result<Claim<'_>, Refusal> {
        let mut at = std::ptr::null_mut();
        // SAFETY: the pointer is valid for the call.
        checked(unsafe { raw::annulus_claim(self.0.at, count, wait.nanoseconds(), &mut at) })?;
        Ok(Claim { role: self.0.at, at: at.cast(), count, of: PhantomData })
    }
    /// The most that one message can hold, bytes.
    pub fn max_message(&self) -> usize {
        // SAFETY: the role is open.
        unsafe { raw::annulus_producer_max_message(self.0.at) }
    }
    /// What is known of the consumer. Asks the kernel.
    pub fn peer(&mut self) -> Presence {
        // SAFETY: the role is open.
        presence(unsafe { raw::annulus_producer_peer(self.0.at) })
    }
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { role: self.0.shared.clone(), call: raw::annulus_interrupt_producer }
    }
}

/// Space for one message; aborts when it drops without commit.
pub struct Claim<'a> {
    role: *mut c_void,
    at: *mut u8,
    count: usize,
    of: PhantomData<&'a mut Producer>,
}

impl Claim<'_> {
    /// Sends the first `count` bytes. Panics if that is more than were claimed.
    pub fn commit(self, count: usize) {
        assert!(count <= self.count, "{count} bytes of a claim of {}", self.count);
        // SAFETY: the claim is open: nothing else can use the role while this borrow lives.
        unsafe { raw::annulus_commit(self.role, count) };
        std::mem::forget(self);
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // SAFETY: as in commit.
        unsafe { raw::annulus_abort(self.role) };
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the library gave so many bytes, valid until the claim ends.
        unsafe { std::slice::from_raw_parts(self.at, self.count) }
    }
}
impl DerefMut for Claim<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.count) }
    }
}

/// The consumer of a channel; closes when it drops.
pub struct Consumer(Role);
// SAFETY: a role is used by one thread at a time, and may change threads.
unsafe impl Send for Consumer {}

impl Consumer {
    /// Opens the channel, which is made if it does not exist, and takes the consumer's role.
    pub fn open(name: &str) -> Result<Self, OpenError> {
        let at = opened(name, raw::annulus_open_consumer)?;
        Ok(Consumer(Role::new(at, raw::annulus_close_consumer)))
    }
    /// The next message, in place until it drops. A producer that may write the channel can change
    /// it meanwhile: if it is not trusted, copy before parsing.
    pub fn read(&mut self, wait: Wait) -> Result<View<'_>, Refusal> {
        let mut got = raw::Bytes { data: std::ptr::null(), count: 0 };
        // SAFETY: the pointer is valid for the call.
        checked(unsafe { raw::annulus_read(self.0.at, wait.nanoseconds(), &mut got) })?;
        Ok(View { role: self.0.at, at: got.data.cast(), count: got.count, of: PhantomData })
    }
    /// The most that one message can hold, bytes.
    pub fn max_message(&self) -> usize {
        // SAFETY: the role is open.
        unsafe { raw::annulus_consumer_max_message(self.0.at) }
    }
    /// What is known of the producers: of several the most alive one counts. Asks the kernel.
    pub fn peer(&mut self) -> Presence {
        // SAFETY: the role is open.
        presence(unsafe { raw::annulus_consumer_peer(self.0.at) })
    }
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { role: self.0.shared.clone(), call: raw::annulus_interrupt_consumer }
    }
}

/// A message in place. Dropping it hands its space back. Forgotten, it comes again to the next
/// consumer if this one dies before another is dropped.
pub struct View<'a> {
    role: *mut c_void,
    at: *const u8,
    count: usize,
    of: PhantomData<&'a mut Consumer>,
}

impl Deref for View<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        if self.count == 0 {
            return &[];
        }
        // SAFETY: the library gave so many bytes, valid until release.
        unsafe { std::slice::from_raw_parts(self.at, self.count) }
    }
}

impl Drop for View<'_> {
    fn drop(&mut self) {
        // SAFETY: the role is open: nothing else can use it while this borrow lives.
        unsafe { raw::annulus_release(self.role) };
    }
}
