import Diagnostics
import Testing

@testable import Planning

@Suite struct PartTests {
  @Test(arguments: Part.known)
  func figuresAreSane(part: Part) {
    let capacity = part.capacity
    #expect(capacity.lut > 1000 && capacity.ff >= capacity.lut && capacity.carryBits > 0)
    #expect(capacity.lutRAM == 0 && capacity.srl == 0)
    #expect((capacity.dsp == 0) == (part.multiplier == nil))
    #expect(part.lutInputs == 4 || part.lutInputs == 6)
    let delays = part.delays
    #expect(delays.register > 0 && delays.lut > 0 && delays.net > 0 && delays.carryEightBits > 0)
    #expect((0.1...0.5).contains(delays.band))
    #expect(part.sources.count >= 3 && part.sources.allSatisfy { !$0.text.isEmpty && !$0.figures.isEmpty })
  }

  @Test(arguments: Part.known)
  func everyNameAndAliasMeansThePart(part: Part) throws {
    for name in [part.name] + part.aliases {
      #expect(try Part.named(name) == part)
      #expect(try Part.named(name.uppercased()) == part)
    }
  }

  @Test func namesAreUnique() {
    let names = Part.known.flatMap { [$0.name] + $0.aliases }.map { $0.lowercased() }
    #expect(Set(names).count == names.count)
  }

  /// Figures that data sheets print and that are easily mistaken (kbit 36 for 18, ALMs for LUTs).
  @Test func capacitiesAreThoseOfTheDataSheets() {
    #expect(Part.xcvu13p.capacity.lut == 1_728_000 && Part.xcvu13p.capacity.bram18 == 5376)
    #expect(Part.xcvu9p.capacity.lut == 1_182_240 && Part.xcvu9p.capacity.dsp == 6840)
    #expect(Part.xc7z020.capacity.ff == 106_400 && Part.xc7z020.capacity.bram18 == 280)
    #expect(Part.agilex7.capacity.lut == 2 * 912_800 && Part.agilex7.capacity.ff == 3_651_200)
    #expect(Part.ecp5.capacity.lut == 83_640 && Part.iCE40UP5K.capacity.lut == 5280)
  }

  @Test func otherPackagesOfADeviceAreThatDevice() throws {
    let part = try Part.named("xcvu9p-flgb2104-1-e")
    #expect(part.name == "xcvu9p-flgb2104-1-e" && part.capacity == Part.xcvu9p.capacity)
    #expect(try Part.named("xc7z020clg484-1").capacity == Part.xc7z020.capacity)
  }

  @Test func unknownPartsAreRefusedWithTheKnownOnes() {
    let failure = #expect(throws: CompilationFailed.self) { try Part.named("xc9000") }
    #expect(failure?.diagnostics.first?.code == "C007")
    #expect(failure?.diagnostics.first?.location == .option("--part"))
    #expect(failure?.description.contains("xcvu13p-flga2577-2-e") == true)
  }

  @Test func netsGrowWithTheLogarithmOfTheirLoads() {
    let delays = DelayModel.ecp5
    #expect(delays.net(fanout: 0) == delays.net && delays.net(fanout: 1) == delays.net)
    #expect(delays.net(fanout: 2) == delays.net + delays.net * delays.fanoutPerMille / 1000)
    #expect(delays.net(fanout: 8) == delays.net + 3 * delays.net * delays.fanoutPerMille / 1000)
    let nets = (1...200).map { delays.net(fanout: $0) }
    #expect(zip(nets, nets.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
