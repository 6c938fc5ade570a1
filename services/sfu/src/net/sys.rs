//! recvmmsg and sendmsg with what `nix` cannot do: control messages without an allocation per call, and
//! control buffers that are reset between calls (a merged datagram's segment size would be cut off).

#![allow(unsafe_code)]

use crate::path::Path;
use nix::libc;
use socket2::{SockAddr, SockAddrStorage};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::time::Duration;

/// Messages per call.
pub(super) const BURST: usize = 32;
/// A merged message can have this many bytes (UDP_GRO).
const MESSAGE_LEN: usize = 65_536;
/// Space for packet info, segment size and time of arrival, and more than these.
const CONTROL_LEN: usize = 128;

/// Aligned as `cmsghdr` has to be.
#[repr(C, align(8))]
struct Control([u8; CONTROL_LEN]);

/// Where a burst of messages is received. Allocated once.
pub(super) struct Inbox {
    bytes: Box<[u8]>,
    names: Box<[SockAddrStorage]>,
    controls: Box<[Control]>,
    lengths: [usize; BURST],
    envelopes: [Option<Envelope>; BURST],
}

/// What the kernel says about a received message.
#[derive(Clone, Copy)]
struct Envelope {
    path: Path,
    /// 0: not merged.
    segment: usize,
    arrival: Option<Duration>,
}

/// One received message: one datagram, or several of `segment` bytes each but the last.
pub(super) struct Message<'a> {
    pub path: Path,
    pub bytes: &'a mut [u8],
    pub segment: usize,
    /// Wall clock, since 1970.
    pub arrival: Option<Duration>,
}

impl Inbox {
    pub(super) fn new() -> Inbox {
        Inbox {
            bytes: vec![0; BURST * MESSAGE_LEN].into_boxed_slice(),
            names: (0..BURST).map(|_| SockAddrStorage::zeroed()).collect(),
            controls: (0..BURST).map(|_| Control([0; CONTROL_LEN])).collect(),
            lengths: [0; BURST],
            envelopes: [None; BURST],
        }
    }

    /// Receives what is there, at most [`BURST`] messages, without waiting.
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        // SAFETY: all-zero is a valid value of these C structures (null pointers, zero lengths).
        let mut parts: [libc::iovec; BURST] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; BURST] = unsafe { mem::zeroed() };
        for (index, header) in headers.iter_mut().enumerate() {
            parts[index].iov_base = self.bytes[index * MESSAGE_LEN..].as_mut_ptr().cast();
            parts[index].iov_len = MESSAGE_LEN;
            header.msg_hdr.msg_iov = &raw mut parts[index];
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = ptr::from_mut(&mut self.names[index]).cast();
            header.msg_hdr.msg_namelen = mem::size_of::<SockAddrStorage>() as libc::socklen_t;
            header.msg_hdr.msg_control = self.controls[index].0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL_LEN as _;
        }
        // SAFETY: every pointer in `headers` leads to memory of the stated length that outlives the call:
        // `parts` on this stack, and the boxes of `self`, which nothing else uses meanwhile.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BURST as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (index, header) in headers.iter().enumerate().take(count) {
            self.lengths[index] = header.msg_len as usize;
            self.envelopes[index] = read_envelope(&header.msg_hdr);
        }
        Ok(count)
    }

    /// The message at `index` of the last burst; `None` if its sender cannot be told.
    pub(super) fn message(&mut self, index: usize) -> Option<Message<'_>> {
        let Envelope { path, segment, arrival } = self.envelopes[index]?;
        let len = self.lengths[index];
        let segment = if segment == 0 { len.max(1) } else { segment };
        let start = index * MESSAGE_LEN;
        Some(Message { path, bytes: &mut self.bytes[start..start + len], segment, arrival })
    }
}

fn read_envelope(header: &libc::msghdr) -> Option<Envelope> {
    let (mut local, mut segment, mut arrival) = (None, 0, None);
    // SAFETY: the kernel filled `msg_control` up to `msg_controllen`; the CMSG functions stay within it.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(control) = message.as_ref() {
            let data = libc::CMSG_DATA(message);
            match (control.cmsg_level, control.cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = ptr::read_unaligned(data.cast::<libc::in_pktinfo>());
                    local = Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr))));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = ptr::read_unaligned(data.cast::<libc::in6_pktinfo>());
                    local = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    segment = usize::try_from(ptr::read_unaligned(data.cast::<libc::c_int>())).unwrap_or(0);
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = ptr::read_unaligned(data.cast::<libc::timespec>());
                    arrival = u64::try_from(time.tv_sec)
                        .ok()
                        .map(|seconds| Duration::new(seconds, time.tv_nsec as u32));
                }
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    // SAFETY: the kernel wrote an address of `msg_namelen` bytes there.
    let name = unsafe {
        let storage = ptr::read(header.msg_name.cast::<SockAddrStorage>());
        SockAddr::new(storage, header.msg_namelen)
    };
    Some(Envelope { path: Path { remote: name.as_socket()?, local: local? }, segment, arrival })
}

/// Sends one datagram, or with a `segment` several of that many bytes each but the last.
pub(super) fn send(
    socket: BorrowedFd<'_>,
    path: &Path,
    bytes: &[u8],
    segment: Option<u16>,
) -> io::Result<()> {
    let name = SockAddr::from(path.remote);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; CONTROL_LEN]);
    // SAFETY: all-zero is a valid value of this C structure.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = name.as_ptr().cast_mut().cast();
    header.msg_namelen = name.len();
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    let mut used = match path.local {
        // SAFETY: all-zero is a valid value of these C structures.
        IpAddr::V4(local) => unsafe {
            let mut info: libc::in_pktinfo = mem::zeroed();
            info.ipi_spec_dst.s_addr = u32::from(local).to_be();
            put(&mut control, 0, libc::IPPROTO_IP, libc::IP_PKTINFO, info)
        },
        // SAFETY: as above.
        IpAddr::V6(local) => unsafe {
            let mut info: libc::in6_pktinfo = mem::zeroed();
            info.ipi6_addr.s6_addr = local.octets();
            put(&mut control, 0, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
        },
    };
    if let Some(segment) = segment {
        used = put(&mut control, used, libc::SOL_UDP, libc::UDP_SEGMENT, segment);
    }
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = used as _;
    // SAFETY: every pointer in `header` leads to memory of the stated length that outlives the call; the
    // kernel only reads through them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Appends a control message at `used` and returns the space used then.
fn put<T: Copy>(control: &mut Control, used: usize, level: i32, kind: i32, value: T) -> usize {
    let len = mem::size_of::<T>() as libc::c_uint;
    // SAFETY: these only compute.
    let (space, cmsg_len) = unsafe { (libc::CMSG_SPACE(len) as usize, libc::CMSG_LEN(len)) };
    assert!(used + space <= CONTROL_LEN, "two control messages fit");
    // SAFETY: `control` is aligned to 8 and every CMSG_SPACE is a multiple of 8, so `message` is aligned;
    // it lies within `control`, by the assertion.
    unsafe {
        let message = control.0.as_mut_ptr().add(used).cast::<libc::cmsghdr>();
        (*message).cmsg_level = level;
        (*message).cmsg_type = kind;
        (*message).cmsg_len = cmsg_len as _;
        ptr::write_unaligned(libc::CMSG_DATA(message).cast::<T>(), value);
    }
    used + space
}
