function mpc = eight_agents
% Ours: a network on which nearly all of poster 004's statements on its eight agents hold.
% The poster's own figure is lost. Bus 8 is the main grid; 100 MW are the poster's unit.
mpc.version = '2';
mpc.baseMVA = 100;
%	bus	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin
mpc.bus = [
	1	2	0	0	0	0	1	1	0	110	1	1.1	0.9;
	2	1	100	0	0	0	1	1	0	110	1	1.1	0.9;
	3	1	100	0	0	0	1	1	0	110	1	1.1	0.9;
	4	1	100	0	0	0	1	1	0	110	1	1.1	0.9;
	5	2	100	0	0	0	1	1	0	110	1	1.1	0.9;
	6	1	0	0	0	0	1	1	0	110	1	1.1	0.9;
	7	1	200	0	0	0	1	1	0	110	1	1.1	0.9;
	8	3	0	0	0	0	1	1	0	110	1	1.1	0.9;
];
%	bus	Pg	Qg	Qmax	Qmin	Vg	mBase	status	Pmax	Pmin
mpc.gen = [
	1	300	0	500	-500	1	100	1	300	0;
	5	200	0	500	-500	1	100	1	200	0;
	8	0	0	900	-900	1	100	1	900	-900;
];
%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax
mpc.branch = [
	1	6	0.3	0.1	0	0	0	0	0	0	1	-360	360;
	2	8	0.002	0.1	0	0	0	0	0	0	1	-360	360;
	1	7	0.2	0.1	0	0	0	0	0	0	1	-360	360;
	5	7	0.002	0.1	0	0	0	0	0	0	1	-360	360;
	1	4	0.002	0.1	0	0	0	0	0	0	1	-360	360;
	1	8	0.5	0.1	0	0	0	0	0	0	1	-360	360;
	4	8	0.1	0.1	0	0	0	0	0	0	1	-360	360;
	3	4	0.1	0.1	0	0	0	0	0	0	1	-360	360;
	1	5	0.5	0.1	0	0	0	0	0	0	1	-360	360;
	2	7	0.05	0.1	0	0	0	0	0	0	1	-360	360;
];
