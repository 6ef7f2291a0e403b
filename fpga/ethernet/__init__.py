"""What is between a gigabit Ethernet PHY and a UDP port: LiteEth's Verilog, and the top that joins it to a system."""
