# U-Boot's part: it starts the slot that is good, or for one single time the one
# that is on trial. The boot partition has slot.env, which says which, and one
# file to take its place for each slot once it has been tried.
setenv slot a
setenv trial n
if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env; then
	env import -t ${ramdisk_addr_r} ${filesize} slot trial
fi
setenv slots ${slot} a b
if test "${trial}" != n; then
	# Tried only once that it has been is on the card.
	if load ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot-${slot}.env; then
		if fatwrite ${devtype} ${devnum}:1 ${ramdisk_addr_r} slot.env ${filesize}; then
			setenv slots ${trial} ${slots}
			setenv ontrial edgeagent.trial=${trial}
		fi
	fi
fi
for try in ${slots}; do
	setenv number 2
	if test ${try} = b; then setenv number 3; fi
	part uuid ${devtype} ${devnum}:${number} uuid
	setenv bootargs root=PARTUUID=${uuid} edgeagent.slot=${try} ${ontrial} ro panic=5 quiet
	if load ${devtype} ${devnum}:${number} ${kernel_addr_r} boot/vmlinuz; then
		if load ${devtype} ${devnum}:${number} ${ramdisk_addr_r} boot/initrd; then
			booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}
		fi
	fi
	setenv ontrial
done
sleep 5
reset
