#!/usr/bin/env python3
"""bpf.py [FILE.bpf.c | FILE.bpf.o]...   Print what BPF programs use that Linux 5.17 does not have.

Looked at in a source: helpers, map types, sections (types of programs) and kernel functions; in an
object: helpers, also those that macros and inlined functions call, sections and instructions. What
is unknown is refused too: add it here with its version. The exit status is 1 if something was
printed.
"""
import re
import struct
import sys

NEWEST = "5.17"

# Helpers in the order of their numbers, from 1 on: enum bpf_func_id of Linux's
# include/uapi/linux/bpf.h, which is closed since 211. By the version that had them first.
HELPERS = (
    ("3.19", "map_lookup_elem map_update_elem map_delete_elem"),
    ("4.1", "probe_read ktime_get_ns trace_printk get_prandom_u32 get_smp_processor_id "
            "skb_store_bytes l3_csum_replace l4_csum_replace"),
    ("4.2", "tail_call clone_redirect get_current_pid_tgid get_current_uid_gid get_current_comm"),
    ("4.3", "get_cgroup_classid skb_vlan_push skb_vlan_pop skb_get_tunnel_key skb_set_tunnel_key "
            "perf_event_read"),
    ("4.4", "redirect get_route_realm perf_event_output"),
    ("4.5", "skb_load_bytes"),
    ("4.6", "get_stackid csum_diff skb_get_tunnel_opt skb_set_tunnel_opt"),
    ("4.8", "skb_change_proto skb_change_type skb_under_cgroup get_hash_recalc get_current_task "
            "probe_write_user"),
    ("4.9", "current_task_under_cgroup skb_change_tail skb_pull_data csum_update set_hash_invalid"),
    ("4.10", "get_numa_node_id skb_change_head xdp_adjust_head"),
    ("4.11", "probe_read_str"),
    ("4.12", "get_socket_cookie get_socket_uid"),
    ("4.13", "set_hash setsockopt skb_adjust_room"),
    ("4.14", "redirect_map sk_redirect_map sock_map_update"),
    ("4.15", "xdp_adjust_meta perf_event_read_value perf_prog_read_value getsockopt"),
    ("4.16", "override_return sock_ops_cb_flags_set"),
    ("4.17", "msg_redirect_map msg_apply_bytes msg_cork_bytes msg_pull_data bind"),
    ("4.18", "xdp_adjust_tail skb_get_xfrm_state get_stack skb_load_bytes_relative fib_lookup "
             "sock_hash_update msg_redirect_hash sk_redirect_hash lwt_push_encap "
             "lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action rc_repeat rc_keydown "
             "skb_cgroup_id get_current_cgroup_id"),
    ("4.19", "get_local_storage sk_select_reuseport skb_ancestor_cgroup_id"),
    ("4.20", "sk_lookup_tcp sk_lookup_udp sk_release map_push_elem map_pop_elem map_peek_elem "
             "msg_push_data"),
    ("5.0", "msg_pop_data rc_pointer_rel"),
    ("5.1", "spin_lock spin_unlock sk_fullsock tcp_sock skb_ecn_set_ce get_listener_sock"),
    ("5.2", "skc_lookup_tcp tcp_check_syncookie sysctl_get_name sysctl_get_current_value "
            "sysctl_get_new_value sysctl_set_new_value strtol strtoul sk_storage_get "
            "sk_storage_delete"),
    ("5.3", "send_signal tcp_gen_syncookie"),
    ("5.5", "skb_output probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str "
            "tcp_send_ack"),
    ("5.6", "send_signal_thread jiffies64"),
    ("5.7", "read_branch_records get_ns_current_pid_tgid xdp_output get_netns_cookie "
            "get_current_ancestor_cgroup_id sk_assign"),
    ("5.8", "ktime_get_boot_ns seq_printf seq_write sk_cgroup_id sk_ancestor_cgroup_id "
            "ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query csum_level"),
    ("5.9", "skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock "
            "skc_to_udp6_sock get_task_stack"),
    ("5.10", "load_hdr_opt store_hdr_opt reserve_hdr_opt inode_storage_get inode_storage_delete "
             "d_path copy_from_user snprintf_btf seq_printf_btf skb_cgroup_classid redirect_neigh "
             "per_cpu_ptr this_cpu_ptr redirect_peer"),
    ("5.11", "task_storage_get task_storage_delete get_current_task_btf bprm_opts_set "
             "ktime_get_coarse_ns ima_inode_hash sock_from_file"),
    ("5.12", "check_mtu"),
    ("5.13", "for_each_map_elem snprintf"),
    ("5.14", "sys_bpf btf_find_by_name_kind sys_close"),
    ("5.15", "timer_init timer_set_callback timer_start timer_cancel get_func_ip get_attach_cookie "
             "task_pt_regs"),
    ("5.16", "get_branch_snapshot trace_vprintk skc_to_unix_sock kallsyms_lookup_name"),
    ("5.17", "find_vma loop strncmp get_func_arg get_func_ret get_func_arg_cnt"),
    ("5.18", "get_retval set_retval xdp_get_buff_len xdp_load_bytes xdp_store_bytes "
             "copy_from_user_task skb_set_tstamp ima_file_hash"),
    ("5.19", "kptr_xchg map_lookup_percpu_elem skc_to_mptcp_sock dynptr_from_mem "
             "ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_read "
             "dynptr_write dynptr_data"),
    ("6.0", "tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 "
            "tcp_raw_check_syncookie_ipv6"),
    ("6.1", "ktime_get_tai_ns user_ringbuf_drain"),
    ("6.2", "cgrp_storage_get cgrp_storage_delete"),
)

# enum bpf_map_type, in its order, from 1 on.
MAP_TYPES = (
    ("3.19", "HASH ARRAY"),
    ("4.2", "PROG_ARRAY"),
    ("4.3", "PERF_EVENT_ARRAY"),
    ("4.6", "PERCPU_HASH PERCPU_ARRAY STACK_TRACE"),
    ("4.8", "CGROUP_ARRAY"),
    ("4.10", "LRU_HASH LRU_PERCPU_HASH"),
    ("4.11", "LPM_TRIE"),
    ("4.12", "ARRAY_OF_MAPS HASH_OF_MAPS"),
    ("4.14", "DEVMAP SOCKMAP"),
    ("4.15", "CPUMAP"),
    ("4.18", "XSKMAP SOCKHASH"),
    ("4.19", "CGROUP_STORAGE REUSEPORT_SOCKARRAY"),
    ("4.20", "PERCPU_CGROUP_STORAGE QUEUE STACK"),
    ("5.2", "SK_STORAGE"),
    ("5.4", "DEVMAP_HASH"),
    ("5.6", "STRUCT_OPS"),
    ("5.8", "RINGBUF"),
    ("5.10", "INODE_STORAGE"),
    ("5.11", "TASK_STORAGE"),
    ("5.16", "BLOOM_FILTER"),
    ("6.1", "USER_RINGBUF"),
    ("6.2", "CGRP_STORAGE"),
    ("6.9", "ARENA"),
)

# The part of a section's name before the first "/" names the type of program (libbpf), and the
# version that can load and attach it. Only types that can trace.
SECTIONS = {
    "kprobe": "4.1", "kretprobe": "4.1", "uprobe": "4.1", "uretprobe": "4.1", "usdt": "4.1",
    "ksyscall": "4.1", "kretsyscall": "4.1", "tracepoint": "4.7", "tp": "4.7", "perf_event": "4.9",
    "raw_tracepoint": "4.17", "raw_tp": "4.17", "raw_tracepoint.w": "5.2", "raw_tp.w": "5.2",
    "tp_btf": "5.5", "fentry": "5.5", "fexit": "5.5", "freplace": "5.6", "fmod_ret": "5.7",
    "lsm": "5.7", "iter": "5.8", "fentry.s": "5.10", "fexit.s": "5.10", "fmod_ret.s": "5.10",
    "lsm.s": "5.10", "syscall": "5.14", "kprobe.multi": "5.18", "kretprobe.multi": "5.18",
    "iter.s": "6.0", "uprobe.s": "6.0", "uretprobe.s": "6.0", "usdt.s": "6.0",
    "uprobe.multi": "6.6", "uretprobe.multi": "6.6", "uprobe.multi.s": "6.6",
    "uretprobe.multi.s": "6.6", "kprobe.session": "6.10", "uprobe.session": "6.13",
}

# Sections of data, and that of functions that programs call.
DATA = {"license", "version", ".text", ".maps", ".kconfig", ".ksyms"}

# Macros and inlined functions of libbpf's headers; an object shows what they call.
MACROS = re.compile(r"bpf_(core_(read|read_str|read_user|read_user_str|field_(exists|offset|size)|"
                    r"type_(exists|size|id_local|id_kernel)|enum_value|enum_value_exists)|printk|"
                    r"tail_call_static|usdt_(arg|arg_cnt|cookie)|[hn]to[hn](s|l)|cpu_to_be64|be64_to_cpu)$")


def number(version):
    """Return a version as something to compare."""
    return tuple(int(part) for part in version.split("."))


def table(rows):
    """Return a list of (name, version) from rows of versions and names."""
    return [(name, version) for version, names in rows for name in names.split()]


HELPER_LIST = table(HELPERS)
HELPER_BY_NAME = dict(HELPER_LIST)
MAP_BY_NAME = dict(table(MAP_TYPES))


def newer(what, version):
    """Yield a sentence if there is no such version, or if it is too new."""
    if version is None:
        yield "%s is unknown to this check" % what
    elif number(version) > number(NEWEST):
        yield "%s is of Linux %s, newer than %s" % (what, version, NEWEST)


def section(name):
    """Yield what is wrong with the section of a program."""
    if name not in DATA and not name.startswith((".rodata", ".data", ".bss")):
        yield from newer('section "%s"' % name, SECTIONS.get(name.lstrip("?").split("/")[0]))


def in_line(line):
    """Yield what is wrong in a line of a source."""
    for name in re.findall(r"\bbpf_(\w+)\s*\(", line):
        if not MACROS.match("bpf_" + name):
            yield from newer("helper bpf_" + name, HELPER_BY_NAME.get(name))
    for name in re.findall(r"\bBPF_MAP_TYPE_(\w+)", line):
        yield from newer("map type " + name, MAP_BY_NAME.get(name))
    for name in re.findall(r'\bSEC\("([^"]*)"\)', line):
        yield from section(name)
    if re.search(r"\b__ksym\b", line):
        yield "kernel functions and variables differ between versions"


def without_comments(text):
    """Return C with its comments blanked, and all line breaks kept."""
    pattern = r'"(?:\\.|[^"\\])*"|/\*.*?\*/|//[^\n]*'
    return re.sub(pattern, lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text,
                  flags=re.S)


def in_source(path):
    """Yield (place, sentence) for a source."""
    with open(path, encoding="utf-8") as source:
        lines = without_comments(source.read()).split("\n")
    for at, line in enumerate(lines, 1):
        for sentence in in_line(line):
            yield "%s:%d" % (path, at), sentence


def sections_of(elf):
    """Yield (name, flags, bytes) of each section of a little-endian ELF64 object."""
    offset, = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3a)
    heads = [struct.unpack_from("<IIQQQQ", elf, offset + i * size) for i in range(count)]
    strings = heads[names][4]
    for name, kind, flags, _, start, length in heads:
        text = elf[strings + name:elf.index(b"\0", strings + name)].decode()
        yield text, flags, b"" if kind == 8 else elf[start:start + length]


def instruction(code, src, off, imm):
    """Return what is wrong with an instruction, by its parts; None: nothing."""
    group, mode, op = code & 7, code & 0xe0, code & 0xf0
    if code == 0x85 and src == 2:
        return "call of a kernel function"
    if code == 0x85 and src == 0:
        name, version = HELPER_LIST[imm - 1] if 0 < imm <= len(HELPER_LIST) else (str(imm), None)
        return next(newer("helper bpf_" + name, version), None)
    if code in (0x06, 0xe5, 0xd7):  # gotol, may_goto, bswap
        return "instruction 0x%02x of -mcpu=v4 (Linux 6.6 or later)" % code
    if group == 1 and mode == 0x80:
        return "sign-extending load of -mcpu=v4 (Linux 6.6)"
    if group in (4, 7) and off != 0 and op in (0x30, 0x90, 0xb0):
        return "signed division or move of -mcpu=v4 (Linux 6.6)"
    if group == 3 and mode == 0xc0 and (imm & 0x100 or code not in (0xc3, 0xdb)):
        return "atomic load or store (Linux 6.15)"
    return None


def in_object(path):
    """Yield (place, sentence) for an object."""
    with open(path, "rb") as file:
        elf = file.read()
    if elf[:6] != b"\x7fELF\x02\x01":
        yield path, "is not an ELF object of BPF"
        return
    for name, flags, code in sections_of(elf):
        if not flags & 4:  # SHF_EXECINSTR
            continue
        for sentence in section(name):
            yield path, sentence
        at = 0
        while at + 8 <= len(code):
            op, regs, off, imm = struct.unpack_from("<BBhi", code, at)
            sentence = instruction(op, regs >> 4, off, imm)
            if sentence is not None:
                yield "%s: %s+%d" % (path, name, at // 8), sentence
            at += 16 if op == 0x18 else 8  # a load of 64 bits has two places


def main():
    bad = False
    for path in sys.argv[1:]:
        for place, sentence in in_object(path) if path.endswith(".o") else in_source(path):
            print("%s: %s" % (place, sentence))
            bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
