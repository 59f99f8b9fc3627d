"""A flat netlist that yosys wrote: what it has, how deep it is, how many registers lie on its paths, what it computes.

One walk in topological order gives all of it. Registers are taken as wires with a count, so that a pipeline is
evaluated like the logic between its ports; samples are the bits of Python integers, all of them at once.
"""

import json
import re
from collections import Counter

# ns. One fixed model for every compiler: a table with its net, the entry to a carry chain, four bits of it, a wide mux.
TABLE, ENTRY, BLOCK, MUX = 0.5, 0.15, 0.02, 0.1

TABLES = re.compile(r"LUT[1-6]$|INV$|\$lut$|\$_NOT_$")
REGISTERS = re.compile(r"FD[RSCP]E$|\$_S?DFF(_|E_)\w+$")
SHIFTS = re.compile(r"SRL16E$|SRLC32E$")


class Cell:
    """One output-producing cell: its kind, and its connections as lists of nets ('0', '1', 'x' or numbers)."""

    def __init__(self, name, data):
        self.name, self.type = name, data["type"]
        self.nets = data["connections"]
        self.parameters = data["parameters"]

    def parameter(self, name):
        return int(self.parameters[name].replace("x", "0"), 2)


class Netlist:
    def __init__(self, path, top):
        module = json.load(open(path))["modules"][top]
        self.ports = module["ports"]
        self.cells = [Cell(n, c) for n, c in module["cells"].items() if c["type"] != "$scopeinfo"]
        self.drivers = {}
        for cell in self.cells:
            for port in self.outputs(cell):
                for index, net in enumerate(cell.nets.get(port, [])):
                    if isinstance(net, int):
                        self.drivers[net] = (cell, port, index)
        self.values = {}

    # What each kind of cell drives; anything else is refused, as it would count as nothing.
    def outputs(self, cell):
        if TABLES.match(cell.type):
            return ["Y"] if cell.type.startswith("$") else ["O"]
        if REGISTERS.match(cell.type):
            return ["Q"]
        if SHIFTS.match(cell.type):
            return ["Q", "Q31"]
        known = {"LUT6_2": ["O5", "O6"], "CARRY4": ["O", "CO"], "MUXF7": ["O"], "MUXF8": ["O"], "MUXF9": ["O"]}
        if cell.type in known:
            return known[cell.type]
        raise ValueError(f"cell {cell.name} is a {cell.type}: not counted, not evaluated")

    def count(self):
        types = Counter(c.type for c in self.cells)
        total = lambda pattern: sum(n for t, n in types.items() if re.match(pattern, t))
        registers = total(REGISTERS)
        delayed = sum(self.stages(c) for c in self.cells if SHIFTS.match(c.type))
        return {
            "LUT": total(TABLES) + types["LUT6_2"] + total(SHIFTS),
            "CARRY": types["CARRY4"],
            "FF": registers,
            "SRL": total(SHIFTS),
            "register_bits": registers + delayed,
            "MUXF": total(r"MUXF"),
            "DSP": total(r"DSP"),
        }

    def stages(self, cell):
        address = cell.nets.get("A") or [cell.nets[f"A{i}"][0] for i in range(4)]
        return 1 + sum((bit == "1") << i for i, bit in enumerate(address))

    # One step of the walk.

    def operands(self, cell, port, index):
        """The nets that an output depends on, with whether they enter a carry chain (else they go along it)."""
        nets = cell.nets
        if cell.type == "CARRY4":
            used = index + 1
            into = nets["S"][:used] + nets["DI"][: used if port == "CO" else index] + nets["CYINIT"]
            return [(n, True) for n in into] + [(n, False) for n in nets["CI"]]
        if REGISTERS.match(cell.type) or SHIFTS.match(cell.type):
            return [(nets["D"][0], False)]
        if cell.type == "LUT6_2":
            contents = cell.parameter("INIT")
            inputs = range(5 if port == "O5" else 6)
            return [(nets[f"I{i}"][0], True) for i in inputs if self.depends(contents, len(inputs), i)]
        driven = self.outputs(cell)
        return [(n, True) for p, bits in nets.items() if p not in driven for n in bits]

    @staticmethod
    def depends(contents, inputs, index):
        return any((contents >> r ^ contents >> (r | 1 << index)) & 1 for r in range(1 << inputs) if not r >> index & 1)

    def walk(self, visit):
        """Calls visit(net) for every driven net, operands first."""
        done = set()
        for start in self.drivers:
            stack = [(start, False)]
            while stack:
                net, ready = stack.pop()
                if net in done:
                    continue
                if ready:
                    done.add(net)
                    visit(net)
                    continue
                stack.append((net, True))
                stack += [(n, False) for n, _ in self.operands(*self.drivers[net]) if n in self.drivers and n not in done]

    def timing(self):
        """The slowest path between registers or ports: ns by the fixed model, tables on the deepest, carry blocks."""
        arrival = {}
        worst = [0.0, 0, 0]

        def end(net):
            time, depth = arrival.get(net, (0.0, (0, 0)))
            worst[0] = max(worst[0], time)
            worst[1:] = max(tuple(worst[1:]), depth)

        def visit(net):
            cell, port, index = self.drivers[net]
            operands = self.operands(cell, port, index)
            if REGISTERS.match(cell.type) or SHIFTS.match(cell.type):
                end(operands[0][0])
                arrival[net] = (0.0, (0, 0))
                return
            time, depth = 0.0, (0, 0)
            for operand, enters in operands:
                t, (tables, blocks) = arrival.get(operand, (0.0, (0, 0)))
                if cell.type == "CARRY4":
                    t, d = t + BLOCK + (ENTRY if enters else 0), (tables, blocks + 1)
                elif cell.type.startswith("MUXF"):
                    t, d = t + MUX, (tables, blocks)
                else:
                    t, d = t + TABLE, (tables + 1, blocks)
                time, depth = max(time, t), max(depth, d)
            arrival[net] = (time, depth)

        self.walk(visit)
        for port in self.ports.values():
            if port["direction"] == "output":
                for net in port["bits"]:
                    end(net)
        return {"delay": round(worst[0], 2), "depth": worst[1], "carries": worst[2]}

    def evaluate(self, inputs, count):
        """Bits of the output ports, given those of the input ports as integers of one bit a sample.

        Returns the outputs, and for each output port the least and most registers on paths from data inputs to it.
        """
        full = (1 << count) - 1
        value = {"0": 0, "1": full, "x": 0, "z": 0}
        ranks = {}
        for name, port in self.ports.items():
            if port["direction"] == "input":
                bits = inputs.get(name)
                for i, net in enumerate(port["bits"]):
                    value[net] = bits[i] if bits else 0
                    if bits:
                        ranks[net] = (0, 0)

        def visit(net):
            cell, port, index = self.drivers[net]
            value[net] = self.result(cell, port, index, value, full)
            known = [ranks[n] for n, _ in self.operands(cell, port, index) if n in ranks]
            if known:
                more = 1 if REGISTERS.match(cell.type) else self.stages(cell) if SHIFTS.match(cell.type) else 0
                ranks[net] = (min(k[0] for k in known) + more, max(k[1] for k in known) + more)

        self.walk(visit)
        outputs, latency = {}, {}
        for name, port in self.ports.items():
            if port["direction"] == "output":
                outputs[name] = [value.get(n, 0) for n in port["bits"]]
                known = [ranks[n] for n in port["bits"] if n in ranks]
                latency[name] = (min(k[0] for k in known), max(k[1] for k in known)) if known else None
        return outputs, latency

    def result(self, cell, port, index, value, full):
        get = lambda name, i=0: value.get(cell.nets[name][i], 0)
        if REGISTERS.match(cell.type) or SHIFTS.match(cell.type):
            return get("D")
        if cell.type == "$lut":
            inputs = [value.get(n, 0) for n in cell.nets["A"]]
            return table(cell.parameter("LUT"), inputs, full)
        if cell.type in ("INV", "$_NOT_"):
            return full ^ get("I" if cell.type == "INV" else "A")
        if cell.type == "LUT6_2":
            inputs = [get(f"I{i}") for i in range(5)] + [get("I5") if port == "O6" else 0]
            return table(cell.parameter("INIT"), inputs, full)
        if cell.type.startswith("LUT"):
            return table(cell.parameter("INIT"), [get(f"I{i}") for i in range(int(cell.type[3]))], full)
        if cell.type.startswith("MUXF"):
            s = get("S")
            return (get("I1") & s) | (get("I0") & (full ^ s))
        carry = get("CI") | get("CYINIT")
        for i in range(index + 1):
            s = get("S", i)
            if i == index and port == "O":
                return s ^ carry
            carry = (carry & s) | (get("DI", i) & (full ^ s))
        return carry


def table(contents, inputs, full):
    """A look-up table of all samples at once, by its cofactors of the highest input."""
    if not inputs:
        return full if contents & 1 else 0
    size = 1 << (len(inputs) - 1)
    low, high = contents & ((1 << size) - 1), contents >> size
    rest = inputs[:-1]
    if low == high:
        return table(low, rest, full)
    s = inputs[-1]
    return (table(high, rest, full) & s) | (table(low, rest, full) & (full ^ s))
